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

}  // namespace

void ShardWriter::write(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) {
  const std::string group = group_of(kind, index);
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
  if (file->shape(group + "/factors") != h5::Shape{rows.rows, dim}) {
    throw CheckpointError{
        fmt::format("{}: {}/factors is not {} x {}", file->path().string(), group, rows.rows, dim)};
  }
  for (std::uint64_t first = 0; first < rows.rows; first += kRowsAtOnce) {
    const std::uint64_t count = std::min(kRowsAtOnce, rows.rows - first);
    const auto packed = file->read_rows<float>(group + "/factors", first, count);
    for (std::uint64_t r = 0; r < count; ++r) {
      std::copy_n(packed.data() + r * dim, dim, rows.factors + (first + r) * rows.stride);
    }
  }
  const auto bias = file->read_rows<float>(group + "/bias", 0, rows.rows);
  const auto accumulator = file->read_rows<float>(group + "/accumulator", 0, rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) rows.states[r] = {bias[r], accumulator[r]};
}

}  // namespace factorps
