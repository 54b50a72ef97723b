/// Files that people give to commands: ids, histories, candidates, metrics per user, the state of
/// an interrupted output. Input: a byte that says which, then the file.
#include <fstream>

#include "apps/asked_users.hpp"
#include "apps/candidate_file.hpp"
#include "apps/growing_file.hpp"
#include "apps/id_file.hpp"
#include "apps/item_filter.hpp"
#include "apps/text_output.hpp"
#include "apps/user_file.hpp"
#include "common/check.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::fuzz {
namespace {

/// What the files speak of.
struct World {
  test::TemporaryDirectory directory;
  std::filesystem::path dataset_path = directory / "dataset.h5";
  std::filesystem::path model_path = directory / "model.h5";
  Dataset dataset = (write_dataset_seed(dataset_path), Dataset{dataset_path});
  Model model = (write_model_seed(model_path), Model{model_path});
};

void use_ids(const std::filesystem::path& path) {
  apps::for_each_id(path, "user", [](const std::string& id) {
    FACTORPS_CHECK(apps::from_tsv_field(apps::tsv_field(id)) == id);
  });
}

void use_users(const World& world, const std::filesystem::path& path, bool histories) {
  const DataConfig config;
  const auto asked = histories
                         ? apps::AskedUsers::of_histories(path, config, world.model, false, true)
                         : apps::AskedUsers::of_file(path, world.model);
  for (std::size_t n = 0; n < asked.size(); ++n) {
    for (const std::uint32_t item : asked.at(n).items)
      FACTORPS_CHECK(item < world.model.info().items);
  }
}

void use_candidates(const World& world, const std::filesystem::path& path) {
  const apps::CandidateFile file{path, world.dataset, std::nullopt};
  for (std::uint64_t user = 0; user < world.dataset.grid().users(); ++user) {
    for (const std::uint32_t item : file.of(user))
      FACTORPS_CHECK(item < world.dataset.grid().items());
  }
  FACTORPS_CHECK(!file.label().empty() && !file.describe().empty());
}

void use_metrics(const std::filesystem::path& path) {
  const apps::UserFile file = apps::read_user_file(path);
  FACTORPS_CHECK(file.values.size() == file.users.size() * file.metrics.size());
  const nlohmann::ordered_json copy = file.protocol;
  FACTORPS_CHECK(copy == file.protocol && !copy.dump().empty());
}

void use_filter(const World& world, const std::filesystem::path& path) {
  apps::ItemFilterOptions options;
  options.only = path;
  const apps::ItemFilter filter{options, world.model, nullptr};
  FACTORPS_CHECK(!filter.identity().empty());
}

/// An output that goes on where its state says, or refuses.
void use_state(const World& world, std::string_view state) {
  const auto out = world.directory / "out.tsv";
  std::ofstream{world.directory / "out.tsv.partial"} << "twelve bytes";
  std::ofstream{world.directory / "out.tsv.partial.json"} << state;
  apps::GrowingFile file{out, "identity", true};
  file.append("more", 1);
}

void use(const World& world, std::size_t kind, std::string_view bytes) {
  const InputFile file{bytes};
  switch (kind) {
    case 0:
      return use_ids(file.path());
    case 1:
      return use_users(world, file.path(), false);
    case 2:
      return use_users(world, file.path(), true);
    case 3:
      return use_candidates(world, file.path());
    case 4:
      return use_metrics(file.path());
    case 5:
      return use_filter(world, file.path());
    default:
      return use_state(world, bytes);
  }
}

}  // namespace
}  // namespace factorps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps::fuzz;
  static const World world;
  Input input{as_text(data, size)};
  const std::size_t kind = input.below(7);
  static_cast<void>(accepts([&] { use(world, kind, input.rest()); }));
  return 0;
}
