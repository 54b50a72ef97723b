#include "tests/fuzz/seeds.hpp"

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "io/dataset_writer.hpp"
#include "io/model_file.hpp"
#include "io/shard_file.hpp"
#include "tests/support/synthetic_dataset.hpp"

namespace factorps::fuzz {
namespace {

namespace fs = std::filesystem;

Attribute some_tags(std::uint64_t rows) {
  Attribute tags;
  tags.name = "tags";
  tags.kind = AttributeKind::tags;
  tags.values = {"a", "b", "c"};
  tags.offsets.assign(1, 0);
  for (std::uint64_t row = 0; row < rows; ++row) {
    for (std::uint32_t code = 0; code < row % 3; ++code) tags.codes.push_back(code);
    tags.offsets.push_back(tags.codes.size());
  }
  return tags;
}

/// Programs of hdf5_edits.cpp that find their way: a seal, then an edit each.
void write_edit_seeds(const fs::path& directory) {
  fs::create_directories(directory);
  for (int operation = 0; operation < 9; ++operation) {
    std::ofstream out{directory / ("edit-" + std::to_string(operation)), std::ios::binary};
    out << '\1' << static_cast<char>(operation) << "\3\5\2\4\6\1\7" << std::string(12, '\3');
  }
}

}  // namespace

void write_dataset_seed(const fs::path& path) {
  DatasetContents contents = test::synthetic_contents({12, 9, 2, 2, 7, 1});
  contents.normalisation.by = NormaliseBy::item;
  contents.normalisation.offset.assign(9, 0.5F);
  contents.normalisation.scale.assign(9, 2);
  contents.interactions.values[0] += 0.001F;  // too many values for a byte each
  contents.interactions.parts[1] = Part::fold_in;
  contents.item_attributes.push_back(some_tags(9));
  contents.user_attributes.push_back(
      {"age", AttributeKind::number, {}, {}, {}, std::vector<float>(12, 30)});
  write_dataset(path, contents);
}

void write_model_seed(const fs::path& path) {
  ModelInfo info;
  info.users = 4;
  info.items = 3;
  info.dim = 2;
  info.mu = 3.5;
  info.value_min = 1;
  info.value_max = 5;
  info.normalisation = {NormaliseBy::user, {0, 1, 0, 1}, {1, 2, 1, 2}};
  info.provenance = R"({"dataset_fingerprint":"0123"})";
  ModelWriter writer{path, info};
  writer.append_users(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, std::vector<float>{1, 2, 3, 4});
  writer.append_items(std::vector<float>{1, 2, 3, 4, 5, 6}, std::vector<float>{1, 2, 3});
  writer.write_ids(IdTable::of_integers({103, 20, 30, 40}),
                   IdTable::of_strings({0, 2, 3, 7}, "u3teaü"));
  writer.write_counts(std::vector<std::uint32_t>{2, 1, 0, 1}, std::vector<std::uint32_t>{2, 1, 1});
  writer.create_seen(std::vector<std::uint64_t>{0, 2, 3, 3, 4});
  writer.append_seen(std::vector<std::uint32_t>{0, 1, 0, 2});
  writer.commit();
}

void write_shard_seed(const fs::path& path) {
  std::vector<float> factors(kShardRows * kShardDim, 0.25F);
  std::vector<RowState> states(kShardRows, RowState{1, 2});
  const RowsView rows{factors.data(), states.data(), kShardDim, kShardRows};
  const std::vector<std::uint32_t> resident{0, 3};
  std::vector<ShardPart> parts;
  for (const RowsKind kind : {RowsKind::strip, RowsKind::block}) {
    for (std::uint32_t index = 0; index < 2; ++index)
      parts.push_back(rows_part(kind, index, rows, kShardDim));
  }
  parts.front().sums = {3, 0.5};
  parts.push_back(
      residents_part(1, resident, {factors.data(), states.data(), kShardDim, 2}, kShardDim));
  parts.push_back(records_part("users", 0, factors.data(), kShardRows, kShardDim, kShardDim));
  parts.back().sums = {3, 0.5};
  ShardWriter writer{path, parts};
  for (std::size_t n = 0; n < parts.size(); ++n) writer.write(n);
  static_cast<void>(writer.finish());
}

void write_seeds(const fs::path& directory) {
  const fs::path bytes = directory / "hdf5_bytes";
  fs::create_directories(bytes);
  write_dataset_seed(bytes / "dataset.h5");
  write_model_seed(bytes / "model.h5");
  write_shard_seed(bytes / "shard.h5");
  for (const char* target : {"dataset_edits", "model_edits", "shard_edits"})
    write_edit_seeds(directory / target);
}

}  // namespace factorps::fuzz
