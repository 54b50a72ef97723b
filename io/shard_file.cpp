#include "io/shard_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/hdf5.hpp"

namespace factorps {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // bytes read or written at once
constexpr std::size_t kLarge = std::size_t{1} << 16;  // bytes of datasets that begin on a page

std::string group_of(RowsKind kind, std::uint32_t index) {
  return fmt::format("/{}/{:06}", kind == RowsKind::strip ? "strips" : "blocks", index);
}

std::string residents_of(std::uint32_t block) { return fmt::format("/residents/{:06}", block); }

std::string records_of(const std::string& table, std::uint32_t block) {
  return fmt::format("/tables/{}/{:06}", table, block);
}

/// How many rows of so many floats fit a piece.
std::size_t rows_of_piece(std::size_t width) {
  return std::max<std::size_t>(1, kPiece / std::max<std::size_t>(1, width * sizeof(float)));
}

/// Bytes of the rows from byte `begin` on, as if there were no padding.
void pack(const ShardPart& part, std::uint64_t begin, std::span<std::byte> piece) {
  const std::size_t row_bytes = part.width * sizeof(float);
  const auto* const rows = reinterpret_cast<const std::byte*>(part.rows.factors);
  if (part.width == part.rows.stride) {
    std::memcpy(piece.data(), rows + begin, piece.size());
    return;
  }
  std::size_t in_row = begin % row_bytes;
  const std::byte* row = rows + begin / row_bytes * part.rows.stride * sizeof(float);
  for (std::size_t done = 0; done < piece.size(); row += part.rows.stride * sizeof(float)) {
    const std::size_t count = std::min(row_bytes - in_row, piece.size() - done);
    std::memcpy(piece.data() + done, row + in_row, count);
    done += count;
    in_row = 0;
  }
}

/// Creates the datasets of a part. @return their names, in the order of write()
std::vector<std::string> create_datasets(h5::File& file, const ShardPart& part) {
  std::vector<std::string> names{part.group + (part.is_record ? "/records" : "/factors")};
  file.create_dataset(names[0], h5::Type::f32, {part.rows.rows, part.width});
  if (!part.is_record) {
    for (const char* state : {"/bias", "/accumulator"}) {
      names.push_back(part.group + state);
      file.create_dataset(names.back(), h5::Type::f32, {part.rows.rows});
    }
  }
  if (!part.which.empty()) {
    names.push_back(part.group + "/row");
    file.create_dataset(names.back(), h5::Type::u32, {part.which.size()});
  }
  if (!part.sums.empty()) {
    names.push_back(part.group + "/sums");
    file.create_dataset(names.back(), h5::Type::f64, {part.sums.size() / 2, 2});
  }
  return names;
}

CheckpointDataset place_of(const h5::File& file, const std::string& name) {
  std::uint64_t bytes = h5::size_of(file.type(name));
  for (const std::uint64_t extent : file.shape(name)) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      throw DataError{fmt::format("{}: {} has more than 2^64 bytes", file.path().string(), name)};
    }
  }
  return {name, file.offset(name), bytes, 0};
}

/// Creates a file with room for all parts. @return where their datasets lie [part]
std::vector<std::vector<CheckpointDataset>> lay_out(const std::filesystem::path& path,
                                                    const std::vector<ShardPart>& parts) {
  std::vector<std::vector<std::string>> names;
  try {
    h5::File file = h5::File::create(path, kLarge, RawFile::kPage);
    for (const ShardPart& part : parts) names.push_back(create_datasets(file, part));
    file.close();
  } catch (const DataError& error) {  // HDF5 does not always say that it was the disk
    throw ResourceError{error.what()};
  }
  const h5::File file = h5::File::open(path);
  std::vector<std::vector<CheckpointDataset>> places;
  for (const auto& of_part : names) {
    auto& datasets = places.emplace_back();
    for (const std::string& name : of_part) datasets.push_back(place_of(file, name));
  }
  return places;
}

/// All datasets below a group, by asking HDF5.
void list_datasets(const h5::File& file, const std::string& group, int depth,
                   std::vector<CheckpointDataset>& found) {
  for (const std::string& name : file.members(group)) {
    const std::string path = (group == "/" ? "" : group) + '/' + name;
    const int levels = depth + (group == "/" && name == "tables" ? 1 : 0);
    if (levels > 0) {
      list_datasets(file, path, levels - 1, found);
    } else {
      found.push_back(place_of(file, path));
    }
  }
}

}  // namespace

ShardPart rows_part(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) {
  return {group_of(kind, index), rows, dim};
}

ShardPart residents_part(std::uint32_t block, std::span<const std::uint32_t> which, RowsView rows,
                         std::size_t dim) {
  return {residents_of(block), rows, dim, false, which};
}

ShardPart records_part(const std::string& table, std::uint32_t block, float* records,
                       std::uint64_t rows, std::size_t width, std::size_t stride) {
  return {records_of(table, block), {records, nullptr, stride, rows}, width, true};
}

ShardWriter::ShardWriter(const std::filesystem::path& path, std::vector<ShardPart> parts)
    : parts_{std::move(parts)},
      datasets_{lay_out(path, parts_)},
      file_{RawFile::open_to_write(path)},
      buffer_{kPiece} {
  file_.go_direct();
}

void ShardWriter::write(std::size_t n) {
  const ShardPart& part = parts_.at(n);
  auto& datasets = datasets_[n];
  const RowsView& rows = part.rows;
  StreamChecksum checksum;
  for (std::uint64_t at = 0; at < datasets[0].bytes;) {
    const auto piece = buffer_.first(std::min<std::uint64_t>(kPiece, datasets[0].bytes - at));
    pack(part, at, piece);
    checksum.update(piece);
    file_.write_at(datasets[0].offset + at, piece);
    at += piece.size();
  }
  datasets[0].checksum = checksum.value();
  if (!part.is_record) write_states(rows, datasets);
  if (!part.which.empty()) write_data(datasets[3], std::as_bytes(part.which));
  if (!part.sums.empty()) write_data(datasets.back(), std::as_bytes(std::span{part.sums}));
}

void ShardWriter::write_states(RowsView rows, std::vector<CheckpointDataset>& datasets) {
  std::vector<float> packed(rows.rows);
  for (const std::size_t state : {1U, 2U}) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      packed[r] = state == 1 ? rows.states[r].bias : rows.states[r].accumulator;
    }
    write_data(datasets[state], std::as_bytes(std::span{packed}));
  }
}

void ShardWriter::write_data(CheckpointDataset& data, std::span<const std::byte> bytes) {
  file_.write_at(data.offset, bytes);
  data.checksum = checksum(bytes);
}

CheckpointFile ShardWriter::finish() {
  file_.sync();
  file_.forget();
  std::vector<CheckpointDataset> written;
  for (const auto& of_part : datasets_) {
    written.insert(written.end(), of_part.begin(), of_part.end());
  }
  CheckpointFile found = describe_file(file_.path(), written);
  CheckpointFile expected = found;
  expected.datasets = std::move(written);
  arrange_datasets(expected);
  for (std::size_t d = 0; d < found.datasets.size(); ++d) {
    const CheckpointDataset& data = expected.datasets[d];
    if (found.datasets[d].checksum == data.checksum) continue;
    throw ResourceError{fmt::format(
        "{}: {} is not what was written, when it is read back: checksum {:016x}, expected {:016x}",
        file_.path().string(), data.name, found.datasets[d].checksum, data.checksum)};
  }
  return found;
}

ShardReader::ShardReader(const std::filesystem::path& checkpoint,
                         const CheckpointManifest& manifest) {
  for (const CheckpointFile& file : manifest.files) {
    const std::filesystem::path path = checkpoint / file.name;
    if (manifest.version < 3) {
      add_unlisted(path);
    } else {
      add({path, std::nullopt, true}, file.datasets);
    }
  }
}

ShardReader::ShardReader(const std::vector<std::filesystem::path>& files) {
  for (const auto& path : files) add_unlisted(path);
}

void ShardReader::add_unlisted(const std::filesystem::path& path) {
  std::vector<CheckpointDataset> datasets;
  list_datasets(h5::File::open(path), "/", 2, datasets);
  add({path}, datasets);
}

void ShardReader::add(File file, const std::vector<CheckpointDataset>& datasets) {
  for (const CheckpointDataset& data : datasets) {
    places_[data.name].push_back({files_.size(), data});
  }
  files_.push_back(std::move(file));
}

const std::vector<ShardReader::Place>& ShardReader::places_of(const std::string& name,
                                                              const std::string& group) const {
  const auto found = places_.find(name);
  if (found == places_.end()) {
    throw CheckpointError{fmt::format("no file of the checkpoint has {}", group)};
  }
  return found->second;
}

const ShardReader::Place& ShardReader::place_in(std::size_t file, const std::string& name) const {
  if (const auto found = places_.find(name); found != places_.end()) {
    const auto place = std::ranges::find(found->second, file, &Place::file);
    if (place != found->second.end()) return *place;
  }
  throw CheckpointError{fmt::format("{}: has no {}", files_.at(file).path.string(), name)};
}

template <class Take>
void ShardReader::read_data(const Place& place, std::size_t piece, Take&& take) {
  File& file = files_[place.file];
  const CheckpointDataset& data = place.data;
  StreamChecksum checksum;
  std::vector<std::byte> bytes;
  try {
    if (!file.open && data.bytes > 0) file.open.emplace(RawFile::open_to_read(file.path));
    for (std::uint64_t at = 0; at < data.bytes; at += bytes.size()) {
      bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece, data.bytes - at)));
      file.open->read_at(data.offset + at, bytes);
      checksum.update(bytes);
      take(at, std::span<const std::byte>{bytes});
    }
  } catch (const ResourceError& error) {
    throw CheckpointError{error.what()};
  }
  if (!file.checked || checksum.value() == data.checksum) return;
  throw CheckpointError{fmt::format("{}: {} has checksum {:016x}, expected {:016x}",
                                    file.path.string(), data.name, checksum.value(),
                                    data.checksum)};
}

/// @throws CheckpointError if there are not so many elements
template <class T>
std::vector<T> ShardReader::read_vector(const Place& place, std::size_t count) {
  if (place.data.bytes != count * sizeof(T)) {
    throw CheckpointError{fmt::format("{}: {} has {} bytes, expected {}",
                                      files_[place.file].path.string(), place.data.name,
                                      place.data.bytes, count * sizeof(T))};
  }
  std::vector<T> values(count);
  read_data(place, kPiece, [&](std::uint64_t at, std::span<const std::byte> bytes) {
    std::memcpy(reinterpret_cast<std::byte*>(values.data()) + at, bytes.data(), bytes.size());
  });
  return values;
}

void ShardReader::read_floats(const Place& place, RowsView rows, std::size_t width) {
  if (place.data.bytes != rows.rows * width * sizeof(float)) {
    throw CheckpointError{fmt::format("{}: {} is not {} x {}: has {} bytes",
                                      files_[place.file].path.string(), place.data.name, rows.rows,
                                      width, place.data.bytes)};
  }
  const std::size_t row_bytes = width * sizeof(float);
  read_data(place, rows_of_piece(width) * row_bytes,
            [&](std::uint64_t at, std::span<const std::byte> bytes) {
              float* row = rows.factors + at / row_bytes * rows.stride;
              for (std::size_t n = 0; n < bytes.size(); n += row_bytes, row += rows.stride) {
                std::memcpy(row, bytes.data() + n, row_bytes);
              }
            });
}

void ShardReader::read_group(std::size_t file, const std::string& group, RowsView rows,
                             std::size_t dim) {
  read_floats(place_in(file, group + "/factors"), rows, dim);
  const auto bias = read_vector<float>(place_in(file, group + "/bias"), rows.rows);
  const auto accumulator = read_vector<float>(place_in(file, group + "/accumulator"), rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) rows.states[r] = {bias[r], accumulator[r]};
}

std::vector<double> ShardReader::read_sums(const std::string& group, std::size_t count) {
  const std::string name = group + "/sums";
  return read_vector<double>(places_of(name, name).front(), count);
}

std::vector<double> ShardReader::read_sums(std::uint32_t strip, std::size_t count) {
  return read_sums(group_of(RowsKind::strip, strip), count);
}

std::vector<double> ShardReader::read_record_sums(const std::string& table, std::uint32_t block) {
  return read_sums(records_of(table, block), 2);
}

void ShardReader::read_records(const std::string& table, std::uint32_t block, float* records,
                               std::uint64_t rows, std::size_t width, std::size_t stride) {
  const std::string name = records_of(table, block) + "/records";
  read_floats(places_of(name, name).front(), {records, nullptr, stride, rows}, width);
}

void ShardReader::read(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) {
  const std::string group = group_of(kind, index);
  read_group(places_of(group + "/factors", group).front().file, group, rows, dim);
  if (kind == RowsKind::block) read_residents(index, rows, dim);
}

void ShardReader::read_residents(std::uint32_t block, RowsView rows, std::size_t dim) {
  const std::string group = residents_of(block);
  const auto found = places_.find(group + "/row");
  if (found == places_.end()) return;
  for (const Place& place : found->second) {
    const std::uint64_t count = place.data.bytes / sizeof(std::uint32_t);
    if (count > rows.rows) {
      throw CheckpointError{fmt::format("{}: {}/row has {} rows, expected at most {}",
                                        files_[place.file].path.string(), group, count, rows.rows)};
    }
    const auto which = read_vector<std::uint32_t>(place, count);
    if (!which.empty() && std::ranges::max(which) >= rows.rows) {
      throw CheckpointError{fmt::format("{}: {}/row has row {}, expected less than {}",
                                        files_[place.file].path.string(), group,
                                        std::ranges::max(which), rows.rows)};
    }
    std::vector<float> factors(which.size() * dim);
    std::vector<RowState> states(which.size());
    read_group(place.file, group, {factors.data(), states.data(), dim, which.size()}, dim);
    for (std::size_t n = 0; n < which.size(); ++n) {
      std::copy_n(factors.data() + n * dim, dim, rows.factors + which[n] * rows.stride);
      rows.states[which[n]] = states[n];
    }
  }
}

}  // namespace factorps
