#include "io/dataset_writer.hpp"

#include <algorithm>
#include <span>

#include "common/check.hpp"
#include "common/hash.hpp"
#include "io/cell_sort.hpp"
#include "io/dataset_fingerprint.hpp"
#include "io/files.hpp"
#include "io/normalisation_file.hpp"
#include "io/value_code.hpp"

namespace factorps {
namespace {

/// Mean of the training values; user by user and item by item, so independent of the input's order.
double train_mean(const PartImage& train, const ValueCode& code) {
  double sum = 0;
  for (const std::uint8_t byte : train.codes)
    sum += double{code.base + code.step * static_cast<float>(byte)};
  for (const float value : train.values) sum += double{value};
  return train.items.empty() ? 0 : sum / static_cast<double>(train.items.size());
}

template <class T>
void write_column(h5::File& file, const std::string& name, const Column<T>& column) {
  file.write(name, {column.size()}, std::span<const T>{column});
}

void write_part(h5::File& file, const std::string& group, const PartImage& image,
                const ValueCode& code) {
  file.write(
      group + "/runs", {image.runs.size(), 2},
      std::span{reinterpret_cast<const std::uint32_t*>(image.runs.data()), image.runs.size() * 2});
  write_column(file, group + "/items", image.items);
  if (code.narrow)
    write_column(file, group + "/values", image.codes);
  else
    write_column(file, group + "/values", image.values);
  file.write(group + "/cell_runs", image.cell_runs);
  file.write(group + "/cell_begin", image.cell_begin);
  file.write(group + "/cell_checksum", image.cell_checksum);
}

/// Of every part or of none.
void write_times(h5::File& file, const std::string& group, const Column<std::int64_t>& times) {
  const std::string name = group + "/times";
  write_column(file, name, times);
  file.set(name, "checksum", checksum(std::as_bytes(std::span{times.data(), times.size()})));
}

void write_rows(h5::File& file, const std::string& group, const IdTable& ids,
                const std::vector<std::uint32_t>& counts) {
  FACTORPS_CHECK(ids.size() == counts.size());
  ids.write(file, group);
  file.write(group + "/train_count", counts);
}

/// In the order of their names.
void write_attributes(h5::File& file, const std::string& table,
                      const std::vector<Attribute>& attributes, std::uint64_t rows) {
  std::vector<const Attribute*> sorted;
  for (const Attribute& attribute : attributes) sorted.push_back(&attribute);
  std::ranges::sort(sorted, {}, &Attribute::name);
  for (const Attribute* attribute : sorted) {
    FACTORPS_CHECK(attribute->rows() == rows);
    write_attribute(file, table, *attribute);
  }
}

void write_frame(h5::File& file, const DatasetContents& contents, const ValueCode& code) {
  file.set("/", "format", std::string_view{"factorps-dataset"});
  file.set("/", "version", kDatasetVersion);
  file.set("/", "seed", contents.seed);
  file.set("/", "value_min", double{contents.value_min});
  file.set("/", "value_max", double{contents.value_max});
  file.set("/", "value_narrow", std::uint64_t{code.narrow});
  file.set("/", "value_base", double{code.base});
  file.set("/", "value_step", double{code.step});
  file.set("/", "summary", std::string_view{contents.summary});
  file.write("/grid/strip_begin", contents.grid.strip_begin);
  file.write("/grid/block_begin", contents.grid.block_begin);
  write_normalisation(file, contents.normalisation);
}

/// Writes everything to an open file. @return the fingerprint
std::string write_contents(h5::File& file, const DatasetContents& contents, std::uint32_t threads) {
  const PartitionedInteractions& in = contents.interactions;
  const ValueCode code = choose_value_code(in.values);
  write_frame(file, contents, code);
  write_rows(file, "/users", contents.user_ids,
             train_counts(in.users, in.parts, contents.grid.users()));
  write_rows(file, "/items", contents.item_ids,
             train_counts(in.items, in.parts, contents.grid.items()));
  write_attributes(file, "/users", contents.user_attributes, contents.grid.users());
  write_attributes(file, "/items", contents.item_attributes, contents.grid.items());

  DatasetFingerprint fingerprint;
  fingerprint.add_frame(contents.user_ids, contents.item_ids, contents.grid, contents.normalisation,
                        {contents.value_min, contents.value_max, code.base, code.step});
  const bool held_out = std::ranges::count(in.parts, Part::fold_in) > 0;
  for (const Part part : kParts) {
    if (part == Part::fold_in && !held_out) continue;
    const PartImage image = sort_into_cells(in, part, contents.grid, code, threads);
    const std::string group = std::string{"/"} + part_name(part);
    write_part(file, group, image, code);
    if (!in.times.empty()) write_times(file, group, image.times);
    fingerprint.add_part(image.cell_begin, image.cell_checksum);
    if (part == Part::train) file.set("/", "train_mean", train_mean(image, code));
  }
  std::string digest = fingerprint.finish();
  file.set("/", "fingerprint", std::string_view{digest});
  return digest;
}

}  // namespace

std::vector<std::uint32_t> train_counts(const Column<std::uint32_t>& rows,
                                        const Column<Part>& parts, std::uint64_t num_rows) {
  std::vector<std::uint32_t> counts(num_rows, 0);
  for (std::size_t n = 0; n < rows.size(); ++n) counts[rows[n]] += parts[n] == Part::train;
  return counts;
}

std::string write_dataset(const std::filesystem::path& path, const DatasetContents& contents,
                          std::uint32_t threads) {
  const std::filesystem::path temporary = create_temporary(path);
  try {
    h5::File file = h5::File::create(temporary);
    std::string fingerprint = write_contents(file, contents, threads);
    file.close();
    commit_rename(temporary, path);
    return fingerprint;
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace factorps
