#include "io/checkpoint_file.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/raw_file.hpp"

namespace factorps {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr const char* kBetween = "what lies between the datasets ";

/// Reads a range of a file piece by piece, into one checksum more than that of the whole.
class Scan {
 public:
  explicit Scan(const RawFile& file) : file_{file} {}

  void read(std::uint64_t begin, std::uint64_t end, StreamChecksum& part) {
    for (std::uint64_t at = begin; at < end;) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - at));
      const std::span piece = buffer_.first(count);
      file_.read_at(at, piece);
      part.update(piece);
      whole_.update(piece);
      at += count;
    }
  }
  [[nodiscard]] std::uint64_t whole() const noexcept { return whole_.value(); }

 private:
  const RawFile& file_;
  PieceBuffer buffer_{kPiece};
  StreamChecksum whole_;
};

std::string sizes(const std::filesystem::path& path, std::uint64_t found,
                  const CheckpointFile& expected) {
  if (found == expected.bytes) return {};
  return fmt::format("{}: has {} bytes, expected {}", path.string(), found, expected.bytes);
}

std::string difference(const std::filesystem::path& path, const std::string& what,
                       std::uint64_t found, std::uint64_t expected) {
  return fmt::format("{}: {}has checksum {:016x}, expected {:016x}", path.string(), what, found,
                     expected);
}

}  // namespace

void arrange_datasets(CheckpointFile& file) {
  std::ranges::stable_sort(file.datasets, {}, &CheckpointDataset::offset);
  std::uint64_t end = 0;
  for (const CheckpointDataset& data : file.datasets) {
    if (data.bytes == 0) continue;
    if (data.offset < end || data.offset > file.bytes || data.bytes > file.bytes - data.offset) {
      throw CheckpointError{
          fmt::format("{}: {} at {} with {} bytes overlaps another dataset or the "
                      "end of the file ({} bytes)",
                      file.name, data.name, data.offset, data.bytes, file.bytes)};
    }
    end = data.offset + data.bytes;
  }
}

CheckpointFile describe_file(const std::filesystem::path& path,
                             std::vector<CheckpointDataset> datasets) {
  RawFile raw = RawFile::open_to_read(path);
  raw.go_direct();
  CheckpointFile file{path.filename().string(), raw.size(), 0, 0, std::move(datasets)};
  arrange_datasets(file);
  Scan scan{raw};
  StreamChecksum frame;
  std::uint64_t at = 0;
  for (CheckpointDataset& data : file.datasets) {
    StreamChecksum own;
    if (data.bytes > 0) {
      scan.read(at, data.offset, frame);
      at = data.offset + data.bytes;
      scan.read(data.offset, at, own);
    }
    data.checksum = own.value();
  }
  scan.read(at, file.bytes, frame);
  file.checksum = scan.whole();
  file.frame = frame.value();
  return file;
}

std::string damage_of_frame(const std::filesystem::path& path, const CheckpointFile& expected) {
  try {
    const RawFile raw = RawFile::open_to_read(path);
    std::string damage = sizes(path, raw.size(), expected);
    if (!damage.empty()) return damage;
    Scan scan{raw};
    StreamChecksum frame;
    std::uint64_t at = 0;
    for (const CheckpointDataset& data : expected.datasets) {
      if (data.bytes == 0) continue;
      scan.read(at, data.offset, frame);
      at = data.offset + data.bytes;
    }
    scan.read(at, expected.bytes, frame);
    if (frame.value() == expected.frame) return {};
    return difference(path, kBetween, frame.value(), expected.frame);
  } catch (const ResourceError& error) {
    return error.what();
  }
}

std::vector<std::string> damage_of(const std::filesystem::path& path,
                                   const CheckpointFile& expected) {
  std::vector<std::string> damage;
  try {
    const std::string other_size = sizes(path, RawFile::open_to_read(path).size(), expected);
    if (!other_size.empty()) return {other_size};
    const CheckpointFile found = describe_file(path, expected.datasets);
    for (std::size_t n = 0; n < found.datasets.size(); ++n) {
      const CheckpointDataset& data = expected.datasets[n];
      if (found.datasets[n].checksum == data.checksum) continue;
      damage.push_back(
          difference(path, data.name + ' ', found.datasets[n].checksum, data.checksum));
    }
    if (!expected.datasets.empty() && found.frame != expected.frame) {
      damage.push_back(difference(path, kBetween, found.frame, expected.frame));
    }
    if (damage.empty() && found.checksum != expected.checksum) {
      damage.push_back(difference(path, "", found.checksum, expected.checksum));
    }
  } catch (const Error& error) {
    damage.emplace_back(error.what());
  }
  return damage;
}

}  // namespace factorps
