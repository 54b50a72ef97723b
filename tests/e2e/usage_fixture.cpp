#include "tests/e2e/usage_fixture.hpp"

#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "io/model_file.hpp"

namespace factorps::test {

DatasetContents small_contents() {
  DatasetContents contents;
  contents.user_ids = IdTable::of_strings({0, 4, 8, 12}, "annabertcleo");
  contents.item_ids = IdTable::of_integers({7, 8, 9, 10});
  contents.grid = {{0, 2, 3}, {0, 2, 4}};
  const auto add = [&](std::uint32_t user, std::uint32_t item, float value, Part part) {
    contents.interactions.users.push_back(user);
    contents.interactions.items.push_back(item);
    contents.interactions.values.push_back(value);
    contents.interactions.parts.push_back(part);
  };
  add(0, 0, 5, Part::train);
  add(0, 1, 3, Part::train);
  add(1, 3, 1, Part::train);
  add(0, 3, 4, Part::test);
  add(1, 2, 2, Part::test);
  add(2, 0, 3, Part::test);
  contents.item_attributes = {
      {"kind", AttributeKind::category, {"a", "b"}, {0, 1, 2, 3, 3}, {1, 0, 1}, {}},
      {"price", AttributeKind::number, {}, {}, {}, {1, 2, std::nanf(""), 4}}};
  contents.user_attributes = {
      {"club", AttributeKind::tags, {"x", "y\xE9"}, {0, 2, 3, 3}, {0, 1, 1}, {}},
      {"kind", AttributeKind::category, {"z"}, {0, 1, 1, 1}, {0}, {}}};
  contents.value_min = 1;
  contents.value_max = 5;
  return contents;
}

void write_model(const std::filesystem::path& path, const std::string& fingerprint, bool with_seen,
                 const IdTable& users, const std::string& trained_by) {
  ModelInfo info;
  info.users = 3;
  info.items = 4;
  info.dim = 1;
  info.mu = 3;
  info.value_min = 1;
  info.value_max = 5;
  nlohmann::json provenance{{"dataset_fingerprint", fingerprint}};
  if (!trained_by.empty()) provenance["config"] = trained_by;
  info.provenance = provenance.dump();
  ModelWriter writer{path, info};
  writer.append_users(std::vector<float>{1, -1, 0}, std::vector<float>{0, 0.25F, 0});
  writer.append_items(std::vector<float>{1, 0.5F, 0, 2}, std::vector<float>{0, 0.5F, 0, 0.5F});
  const DatasetContents contents = small_contents();
  writer.write_ids(users, contents.item_ids);
  writer.write_counts(std::vector<std::uint32_t>{2, 1, 0}, std::vector<std::uint32_t>{1, 1, 0, 1});
  if (with_seen) {
    writer.create_seen(std::vector<std::uint64_t>{0, 2, 3, 3});
    writer.append_seen(std::vector<std::uint32_t>{0, 1, 3});
  }
  writer.commit();
}

}  // namespace factorps::test
