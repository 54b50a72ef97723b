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

/// @throws CheckpointError if the shape is another
void read_group(const h5::File& file, const std::string& group, RowsView rows, std::size_t dim) {
  if (file.shape(group + "/factors") != h5::Shape{rows.rows, dim}) {
    throw CheckpointError{
        fmt::format("{}: {}/factors is not {} x {}", file.path().string(), group, rows.rows, dim)};
  }
  for (std::uint64_t first = 0; first < rows.rows; first += kRowsAtOnce) {
    const std::uint64_t count = std::min(kRowsAtOnce, rows.rows - first);
    const auto packed = file.read_rows<float>(group + "/factors", first, count);
    for (std::uint64_t r = 0; r < count; ++r) {
      std::copy_n(packed.data() + r * dim, dim, rows.factors + (first + r) * rows.stride);
    }
  }
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
  file_.create_dataset(group + "/factors", h5::Type::f32, {rows.rows, dim});
  std::vector<float> packed;
  for (std::uint64_t first = 0; first < rows.rows; first += kRowsAtOnce) {
    const std::uint64_t count = std::min(kRowsAtOnce, rows.rows - first);
    packed.clear();
    for (std::uint64_t r = first; r < first + count; ++r) {
      const float* row = rows.factors + r * rows.stride;
      packed.insert(packed.end(), row, row + dim);
    }
    file_.write_rows(group + "/factors", first, std::span<const float>{packed});
  }
  write_states(file_, group, rows);
}

ShardReader::ShardReader(const std::vector<std::filesystem::path>& files) {
  for (const auto& path : files) files_.push_back(h5::File::open(path));
}

void ShardReader::read(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) const {
  const std::string group = group_of(kind, index);
  const auto file = std::find_if(files_.begin(), files_.end(),
                                 [&](const h5::File& f) { return f.exists(group); });
  if (file == files_.end()) {
    throw CheckpointError{fmt::format("no file of the checkpoint has {}", group)};
  }
  read_group(*file, group, rows, dim);
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
