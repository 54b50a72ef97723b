#include "io/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/files.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kPrefix = "epoch-";
constexpr const char* kManifest = "manifest.json";

/// What interrupted calls of begin() or commit() left behind.
std::vector<fs::path> leftovers(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{directory, ignored}) {
    if (entry.path().filename().string().starts_with(std::string{"."} + kPrefix)) {
      found.push_back(entry.path());
    }
  }
  return found;
}

fs::path manifest_path(const fs::path& checkpoint) { return checkpoint / kManifest; }

std::string to_json(const CheckpointManifest& manifest) {
  json files = json::array();
  for (const CheckpointFile& file : manifest.files) {
    files.push_back({{"name", file.name},
                     {"bytes", file.bytes},
                     {"xxh3", fmt::format("{:016x}", file.checksum)}});
  }
  const json document{{"format", "factorps-checkpoint"},
                      {"version", kCheckpointVersion},
                      {"epoch", manifest.epoch},
                      {"dataset", manifest.dataset},
                      {"identity", manifest.identity},
                      {"instruction_set", manifest.instruction_set},
                      {"state", json::parse(manifest.state)},
                      {"files", files}};
  return document.dump(2) + '\n';
}

CheckpointFile file_from(const json& entry) {
  CheckpointFile file{entry.at("name"), entry.at("bytes"), 0};
  const std::string digits = entry.at("xxh3");
  std::from_chars(digits.data(), digits.data() + digits.size(), file.checksum, 16);
  if (file.name.empty() || file.name.find('/') != std::string::npos || file.name.front() == '.') {
    throw CheckpointError{fmt::format("file name '{}' leaves the checkpoint", file.name)};
  }
  return file;
}

CheckpointManifest from_json(const std::string& text) {
  const json document = json::parse(text);
  if (document.at("format") != "factorps-checkpoint") {
    throw CheckpointError{"not a manifest of a checkpoint"};
  }
  if (const std::uint64_t version = document.at("version"); version > kCheckpointVersion) {
    throw CheckpointError{
        fmt::format("version {}, expected at most {}", version, kCheckpointVersion)};
  }
  CheckpointManifest manifest{document.at("epoch"),        document.at("dataset"),
                              document.at("identity"),     document.at("instruction_set"),
                              document.at("state").dump(), {}};
  for (const json& entry : document.at("files")) manifest.files.push_back(file_from(entry));
  return manifest;
}

}  // namespace

std::string shard_name(int server) { return fmt::format("shard-{:03}.h5", server); }

CheckpointFile describe_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw ResourceError{fmt::format("{}: cannot open", path.string())};
  std::vector<char> piece(std::size_t{1} << 20);
  StreamChecksum checksum;
  CheckpointFile file{path.filename().string(), 0, 0};
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) {
    const auto count = static_cast<std::size_t>(in.gcount());
    checksum.update(std::as_bytes(std::span{piece}.first(count)));
    file.bytes += count;
  }
  file.checksum = checksum.value();
  return file;
}

fs::path CheckpointStore::path_of(std::uint64_t epoch) const {
  return directory_ / fmt::format("{}{:06}", kPrefix, epoch);
}

fs::path CheckpointStore::begin(std::uint64_t epoch) const {
  const fs::path temporary = directory_ / fmt::format(".{}{:06}.tmp", kPrefix, epoch);
  std::error_code error;
  fs::remove_all(temporary, error);
  fs::create_directories(temporary, error);
  if (error) {
    throw ResourceError{fmt::format("{}: cannot create: {}", temporary.string(), error.message())};
  }
  return temporary;
}

fs::path CheckpointStore::commit(const fs::path& temporary,
                                 const CheckpointManifest& manifest) const {
  write_file_atomically(manifest_path(temporary), to_json(manifest));
  sync_file(temporary);
  const fs::path final_path = path_of(manifest.epoch);
  // The same epoch again (a resumed run): the old one holds the same bits, but may be damaged.
  std::error_code ignored;
  const fs::path old = directory_ / fmt::format(".{}{:06}.old", kPrefix, manifest.epoch);
  fs::remove_all(old, ignored);
  if (fs::exists(final_path)) commit_rename(final_path, old);
  commit_rename(temporary, final_path);
  fs::remove_all(old, ignored);
  return final_path;
}

void CheckpointStore::adopt(const fs::path& checkpoint) const {
  const CheckpointManifest manifest = verify_checkpoint(checkpoint);
  const fs::path temporary = begin(manifest.epoch);
  for (const CheckpointFile& file : manifest.files) {
    std::error_code error;
    fs::copy_file(checkpoint / file.name, temporary / file.name, error);
    if (error) {
      throw ResourceError{
          fmt::format("{}: cannot copy: {}", (checkpoint / file.name).string(), error.message())};
    }
    sync_file(temporary / file.name);
  }
  commit(temporary, manifest);
}

void CheckpointStore::clear() const {
  std::error_code error;
  std::vector<fs::path> ours = leftovers(directory_);
  for (const fs::path& path : list()) ours.push_back(path);
  for (const fs::path& path : ours) {
    fs::remove_all(path, error);
    if (error) {
      throw ResourceError{fmt::format("{}: cannot remove: {}", path.string(), error.message())};
    }
  }
  fs::remove(directory_, error);  // stays if somebody else's files are in it
}

std::vector<fs::path> CheckpointStore::list() const {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory_, error}) {
    if (entry.path().filename().string().starts_with(kPrefix)) found.push_back(entry.path());
  }
  std::ranges::sort(found, std::greater{}, [](const fs::path& path) {
    return std::pair{path.native().size(), path};  // a million epochs have a digit more
  });
  return found;
}

void CheckpointStore::prune(std::size_t keep, std::optional<std::uint64_t> best_epoch) const {
  std::error_code ignored;
  for (const fs::path& path : leftovers(directory_)) fs::remove_all(path, ignored);
  std::size_t kept = 0;
  for (const fs::path& path : list()) {
    const bool best = best_epoch && path == path_of(*best_epoch);
    if (kept < keep) {
      ++kept;
    } else if (!best) {
      fs::remove_all(path, ignored);
    }
  }
}

CheckpointManifest read_manifest(const fs::path& checkpoint) {
  const fs::path path = manifest_path(checkpoint);
  if (!fs::exists(path)) {
    throw CheckpointError{fmt::format("{}: no checkpoint, expected a directory with {}",
                                      checkpoint.string(), kManifest)};
  }
  std::string text;
  try {
    text = read_file(path);
  } catch (const Error& error) {
    throw CheckpointError{error.what()};
  }
  try {
    return from_json(text);
  } catch (const std::exception& error) {
    throw CheckpointError{fmt::format("{}: {}", path.string(), error.what())};
  }
}

CheckpointManifest verify_checkpoint(const fs::path& checkpoint) {
  const CheckpointManifest manifest = read_manifest(checkpoint);
  for (const CheckpointFile& expected : manifest.files) {
    const fs::path file = checkpoint / expected.name;
    CheckpointFile found;
    try {
      found = describe_file(file);
    } catch (const Error& error) {
      throw CheckpointError{error.what()};
    }
    if (found.bytes != expected.bytes || found.checksum != expected.checksum) {
      throw CheckpointError{fmt::format(
          "{}: has {} bytes with checksum {:016x}, expected {} bytes "
          "with checksum {:016x}",
          file.string(), found.bytes, found.checksum, expected.bytes, expected.checksum)};
    }
  }
  return manifest;
}

}  // namespace factorps
