#include "io/shard_file.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

constexpr std::uint64_t kRowsAtOnce = 4096;

std::string group_of(RowsKind kind, std::uint32_t index) {
  return fmt::format("/{}/{:06}", kind == RowsKind::strip ? "strips" : "blocks", index);
}

std::string residents_of(std::uint32_t block) { return fmt::format("/residents/{:06}", block); }

std::string records_of(const std::string& table, std::uint32_t block) {
  return fmt::format("/tables/{}/{:06}/records", table, block);
}

void write_states(h5::File& file, const std::string& group, RowsView rows) {
  std::vector<float> bias(rows.rows);
  std::vector<float> accumulator(rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    bias[r] = rows.states[r].bias;
    accumulator[r] = rows.states[r].accumulator;
  }
  file.write(group + "/bias", bias);
  file.write(group + "/accumulator", accumulator);
}

/// Rows that lie `stride` floats apart, packed in the file.
struct FloatRows {
  float* begin = nullptr;
  std::uint64_t rows = 0;
  std::size_t width = 0;
  std::size_t stride = 0;
};

void write_floats(h5::File& file, const std::string& name, const FloatRows& rows) {
  file.create_dataset(name, h5::Type::f32, {rows.rows, rows.width});
  std::vector<float> packed;
  for (std::uint64_t first = 0; first < rows.rows; first += kRowsAtOnce) {
    const std::uint64_t count = std::min(kRowsAtOnce, rows.rows - first);
    packed.clear();
    for (std::uint64_t r = first; r < first + count; ++r) {
      const float* row = rows.begin + r * rows.stride;
      packed.insert(packed.end(), row, row + rows.width);
    }
    file.write_rows(name, first, std::span<const float>{packed});
  }
}

/// @throws CheckpointError if the shape is another
void read_floats(const h5::File& file, const std::string& name, const FloatRows& rows) {
  if (file.shape(name) != h5::Shape{rows.rows, rows.width}) {
    throw CheckpointError{
        fmt::format("{}: {} is not {} x {}", file.path().string(), name, rows.rows, rows.width)};
  }
  for (std::uint64_t first = 0; first < rows.rows; first += kRowsAtOnce) {
    const std::uint64_t count = std::min(kRowsAtOnce, rows.rows - first);
    const auto packed = file.read_rows<float>(name, first, count);
    for (std::uint64_t r = 0; r < count; ++r) {
      std::copy_n(packed.data() + r * rows.width, rows.width,
                  rows.begin + (first + r) * rows.stride);
    }
  }
}

/// @throws CheckpointError if the shape is another
void read_group(const h5::File& file, const std::string& group, RowsView rows, std::size_t dim) {
  read_floats(file, group + "/factors", {rows.factors, rows.rows, dim, rows.stride});
  const auto bias = file.read_rows<float>(group + "/bias", 0, rows.rows);
  const auto accumulator = file.read_rows<float>(group + "/accumulator", 0, rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) rows.states[r] = {bias[r], accumulator[r]};
}

}  // namespace

void ShardWriter::write(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) {
  write_group(group_of(kind, index), rows, dim);
}

void ShardWriter::write_residents(std::uint32_t block, std::span<const std::uint32_t> which,
                                  RowsView rows, std::size_t dim) {
  const std::string group = residents_of(block);
  write_group(group, rows, dim);
  file_.write(group + "/row", std::vector<std::uint32_t>{which.begin(), which.end()});
}

void ShardWriter::write_group(const std::string& group, RowsView rows, std::size_t dim) {
  write_floats(file_, group + "/factors", {rows.factors, rows.rows, dim, rows.stride});
  write_states(file_, group, rows);
}

void ShardWriter::write_records(const std::string& table, std::uint32_t block, float* records,
                                std::uint64_t rows, std::size_t width, std::size_t stride) {
  write_floats(file_, records_of(table, block), {records, rows, width, stride});
}

ShardReader::ShardReader(const std::vector<std::filesystem::path>& files) {
  for (const auto& path : files) files_.push_back(h5::File::open(path));
}

const h5::File& ShardReader::file_with(const std::string& group) const {
  const auto file = std::find_if(files_.begin(), files_.end(),
                                 [&](const h5::File& f) { return f.exists(group); });
  if (file == files_.end()) {
    throw CheckpointError{fmt::format("no file of the checkpoint has {}", group)};
  }
  return *file;
}

void ShardReader::read_records(const std::string& table, std::uint32_t block, float* records,
                               std::uint64_t rows, std::size_t width, std::size_t stride) const {
  const std::string name = records_of(table, block);
  read_floats(file_with(name), name, {records, rows, width, stride});
}

void ShardReader::read(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) const {
  const std::string group = group_of(kind, index);
  read_group(file_with(group), group, rows, dim);
  if (kind == RowsKind::block) read_residents(index, rows, dim);
}

void ShardReader::read_residents(std::uint32_t block, RowsView rows, std::size_t dim) const {
  const std::string group = residents_of(block);
  for (const h5::File& file : files_) {
    if (!file.exists(group)) continue;
    const auto which =
        file.read_rows<std::uint32_t>(group + "/row", 0, file.shape(group + "/row").at(0));
    if (!which.empty() && std::ranges::max(which) >= rows.rows) {
      throw CheckpointError{fmt::format("{}: {}/row has row {}, expected less than {}",
                                        file.path().string(), group, std::ranges::max(which),
                                        rows.rows)};
    }
    std::vector<float> factors(which.size() * dim);
    std::vector<RowState> states(which.size());
    read_group(file, group, {factors.data(), states.data(), dim, which.size()}, dim);
    for (std::size_t n = 0; n < which.size(); ++n) {
      std::copy_n(factors.data() + n * dim, dim, rows.factors + which[n] * rows.stride);
      rows.states[which[n]] = states[n];
    }
  }
}

}  // namespace factorps
