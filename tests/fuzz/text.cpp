/// Raw interactions: every text format, plain or compressed, from the first line to a dataset.
///
/// Input: four bytes of settings, then the file.
#include <array>

#include "common/check.hpp"
#include "io/dataset_check.hpp"
#include "io/prepare/merge.hpp"
#include "io/prepare/prepare.hpp"
#include "io/prepare/shares.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::fuzz {
namespace {

template <std::size_t N>
std::string pick(Input& input, const std::array<const char*, N>& choices) {
  return choices[input.below(N)];
}

Config settings(Input& input) {
  constexpr std::array kFormats{"auto", "triples", "csv", "movielens", "inter", "lists"};
  constexpr std::array kDelimiters{"auto", "space", "tab", "comma", "semicolon", "::", "ab"};
  constexpr std::array kHeaders{"auto", "yes", "no"};
  constexpr std::array kColumns{"auto", "", "4", "time", "3"};
  Config config;
  config.data.format = pick(input, kFormats);
  config.data.delimiter = pick(input, kDelimiters);
  const std::size_t more = input.byte();
  config.data.header = kHeaders[more % 3];
  config.data.time = kColumns[more / 3 % kColumns.size()];
  config.data.value = kColumns[more / 15 % kColumns.size()];
  const std::size_t flags = input.byte();
  if (flags % 2 == 1) {
    config.clean.strict = false;
    config.clean.max_bad_rows = 3;
  }
  config.clean.drop_without_user = (flags & 2) != 0;
  if ((flags & 4) != 0) config.clean.min_value = 0;
  if ((flags & 8) != 0) {
    config.data.event.assign(1, '3');  // GCC 12 warns of an assignment
    config.data.event_weights = {"view=1", "buy=2.5", "no=0"};
  }
  config.clean.duplicates = (flags & 16) != 0 ? "keep_all" : "keep_last";
  if ((flags & 32) != 0) config.clean.normalise = "zscore";
  if ((flags & 64) != 0) config.split.method = "leave_last";
  return config;
}

/// The same rows, however many ranks read the file.
void read_in_shares(const Config& config) {
  const auto files = find_raw_files(config);
  const RowRules rules = row_rules(config, files);
  std::array<std::size_t, 3> rows{};
  for (std::uint32_t shares = 1; shares <= rows.size(); ++shares) {
    std::vector<Chunk> chunks;
    for (std::uint32_t share = 0; share < shares; ++share)
      chunks.push_back(read_share(segments_of(files, share, shares), rules));
    rows[shares - 1] = merge_chunks(std::move(chunks), rules.max_bad_rows, 1).rows.size();
    FACTORPS_CHECK(rows[shares - 1] == rows[0]);
  }
}

/// What was written is intact.
void prepare_all(Config config) {
  static const test::TemporaryDirectory directory;
  config.data.dataset = directory / "dataset.h5";
  const PrepareRanks alone;
  if (prepare(config, alone)) verify_all(Dataset{config.data.dataset});
}

}  // namespace
}  // namespace factorps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps::fuzz;
  Input input{as_text(data, size)};
  factorps::Config config = settings(input);
  const bool all_the_way = size % 4 == 0;
  const InputFile file{input.rest()};
  config.data.source = {file.path()};
  const bool good = accepts([&] { read_in_shares(config); });
  if (good && all_the_way) static_cast<void>(accepts([&] { prepare_all(config); }));
  return 0;
}
