/// Runs prepare() in a directory of its own and looks into what it writes.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/dataset.hpp"
#include "io/prepare/prepare.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {

/// Everything a dataset holds, in external ids and original values: part -> (user, item) -> value.
using Contents = std::map<Part, std::map<std::pair<std::string, std::string>, float>>;

inline Contents contents_of(const Dataset& data) {
  const IdTable users = data.user_ids();
  const IdTable items = data.item_ids();
  Contents contents;
  for (const Part part : kParts) {
    for (std::uint32_t s = 0; s < data.grid().strips(); ++s) {
      data.verify(StripId{s});
      for (std::uint32_t b = 0; b < data.grid().blocks(); ++b) {
        const CellView cell = data.cell(part, StripId{s}, BlockId{b});
        std::size_t n = 0;
        for (const Run& run : cell.runs) {
          for (std::uint32_t k = 0; k < run.count; ++k, ++n) {
            const std::uint64_t user = data.grid().users_of(StripId{s}).begin + run.user;
            const std::uint64_t item = data.grid().items_of(BlockId{b}).begin + cell.items[n];
            contents[part][{users.text(user), items.text(item)}] =
                data.normalisation().invert(user, item, cell.value(n));
          }
        }
      }
    }
  }
  return contents;
}

class Prepare : public testing::Test {
 protected:
  Prepare() {
    config_.data.dataset = directory_ / "dataset.h5";
    config_.split.validation_method = "none";
    config_.grid.strips = 3;
    config_.grid.blocks = 2;
  }
  Dataset run() {
    prepare(config_);
    return Dataset{config_.data.dataset};
  }
  /// What prepare() complains about.
  std::string error() {
    try {
      prepare(config_);
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }
  static std::string many_rows(int rows) {
    std::string text;
    for (int n = 0; n < rows; ++n)
      text += fmt::format("{},{},{}\n", n * 7 % 53, n * 11 % 31, n % 5 + 1);
    return text;
  }
  TemporaryDirectory directory_;
  Config config_;
};

/// What prepare() writes on all ranks of a job, run one after the other. @param idle [rank]
inline std::string file_of_ranks(const Config& config, std::uint32_t size, std::uint32_t threads,
                                 const std::vector<bool>& idle) {
  std::filesystem::remove(config.data.dataset);
  std::vector<std::vector<std::byte>> sent(size);
  for (std::uint32_t rank = size; rank-- > 0;) {  // rank 0 comes last and finds what others sent
    const auto gather = [&](std::vector<std::byte> mine) {
      EXPECT_TRUE(rank == 0 || idle.empty() || !idle[rank] || mine.empty());
      sent[rank] = std::move(mine);
      return rank == 0 ? std::exchange(sent, {}) : std::vector<std::vector<std::byte>>{};
    };
    EXPECT_EQ(prepare(config, {rank, size, gather, threads, idle}).has_value(), rank == 0);
  }
  return read_text(config.data.dataset);
}

}  // namespace factorps::test
