#include "io/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/faults.hpp"
#include "io/checkpoint_manifest.hpp"
#include "io/files.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "epoch-";
constexpr std::string_view kStep = "-step-";
constexpr const char* kManifest = "manifest.json";
constexpr const char* kLatest = "latest";
constexpr std::string_view kReplaced = ".old";  // behind a hidden name

fs::path manifest_path(const fs::path& checkpoint) { return checkpoint / kManifest; }

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// Epochs and steps that are done; later ones are greater.
using Position = std::pair<std::uint64_t, std::uint64_t>;

/// Of a published name; none if it is another.
std::optional<Position> position_of(const fs::path& published) {
  const std::string name = published.filename().string();
  std::string_view rest = name;
  const auto take = [&](std::string_view prefix, std::uint64_t& number) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (result.ec != std::errc{}) return false;
    rest.remove_prefix(static_cast<std::size_t>(result.ptr - rest.data()));
    return true;
  };
  Position position;
  if (!take(kPrefix, position.first)) return std::nullopt;
  if (!rest.empty() && !take(kStep, position.second)) return std::nullopt;
  return rest.empty() ? std::optional{position} : std::nullopt;
}

/// What begin() or commit() have made, finished or not.
std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{directory, ignored}) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with('.') ? name.substr(1).starts_with(kPrefix)
                                            : position_of(entry.path()).has_value();
    if (ours) found.push_back(entry.path());
  }
  return found;
}

/// The published name of a checkpoint that was moved aside; empty for other leftovers.
fs::path name_before(const fs::path& leftover) {
  const std::string name = leftover.filename().string();
  if (!name.ends_with(kReplaced)) return {};
  return leftover.parent_path() / name.substr(1, name.size() - 1 - kReplaced.size());
}

fs::path aside(const fs::path& published) {
  return published.parent_path() / fmt::format(".{}{}", published.filename().string(), kReplaced);
}

/// A link would lead out of the checkpoint. Files that are missing are found to be later.
void require_own_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_symlink(path, ignored) || (fs::exists(path, ignored) && !fs::is_regular_file(path))) {
    throw CheckpointError{fmt::format(
        "{}: is a link or no file, expected one of the checkpoint's own files", path.string())};
  }
}

std::string manifest_of(const fs::path& checkpoint) {
  const fs::path path = manifest_path(checkpoint);
  if (!fs::exists(path)) {
    throw CheckpointError{fmt::format("{}: no checkpoint, expected a directory with {}",
                                      checkpoint.string(), kManifest)};
  }
  constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;  // millions of strips and blocks
  if (!fs::is_regular_file(path) || fs::file_size(path) > kMostBytes) {
    throw CheckpointError{fmt::format("{}: is no manifest", path.string())};
  }
  try {
    return read_file(path);
  } catch (const Error& error) {
    throw CheckpointError{error.what()};
  }
}

}  // namespace

std::string shard_name(int server) { return fmt::format("shard-{:03}.h5", server); }

fs::path CheckpointStore::path_of(std::uint64_t epoch, std::uint32_t step) const {
  const std::string whole = fmt::format("{}{:06}", kPrefix, epoch);
  return directory_ / (step == 0 ? whole : fmt::format("{}{}{:06}", whole, kStep, step));
}

fs::path CheckpointStore::begin(std::uint64_t epoch, std::uint32_t step) const {
  if (!fs::exists(directory_)) {
    make_directories(directory_);
    sync_file(directory_.parent_path());
  }
  fs::path temporary =
      directory_ / fmt::format(".{}.tmp", path_of(epoch, step).filename().string());
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  make_directories(temporary);
  pass_checkpoint_phase(CheckpointPhase::begin);
  return temporary;
}

fs::path CheckpointStore::commit(const fs::path& temporary,
                                 const CheckpointManifest& manifest) const {
  fs::path path =
      publish(temporary, path_of(manifest.epoch, manifest.step), manifest_text(manifest));
  point_latest_at(path);
  return path;
}

fs::path CheckpointStore::publish(const fs::path& temporary, const fs::path& final_path,
                                  const std::string& text) const {
  write_file_atomically(manifest_path(temporary), text);  // forces the directory to disk, too
  if (manifest_of(temporary) != text) {
    throw ResourceError{fmt::format("{}: is not what was written, when it is read back",
                                    manifest_path(temporary).string())};
  }
  pass_checkpoint_phase(CheckpointPhase::manifest);
  // The same epoch again (a resumed run): the old one holds the same bits, but may be damaged.
  std::error_code ignored;
  const fs::path old = aside(final_path);
  if (fs::exists(final_path)) {
    fs::remove_all(old, ignored);
    commit_rename(final_path, old);
  }
  commit_rename(temporary, final_path);
  pass_checkpoint_phase(CheckpointPhase::rename);
  fs::remove_all(old, ignored);
  return final_path;
}

/// Nobody depends on it: a file system without links is no reason to end a training.
void CheckpointStore::point_latest_at(const fs::path& checkpoint) const {
  const fs::path temporary = temporary_name(directory_ / kLatest);
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_directory_symlink(checkpoint.filename(), temporary, error);
  if (error) return;
  try {
    commit_rename(temporary, directory_ / kLatest);
  } catch (const ResourceError&) {
    fs::remove(temporary, error);
  }
}

std::optional<fs::path> CheckpointStore::latest() const {
  std::error_code error;
  const fs::path name = fs::read_symlink(directory_ / kLatest, error);
  if (error) return std::nullopt;
  return directory_ / name;
}

void CheckpointStore::adopt(const fs::path& checkpoint) const {
  const CheckpointManifest manifest = verify_checkpoint(checkpoint);
  const fs::path temporary = begin(manifest.epoch, manifest.step);
  for (const CheckpointFile& file : manifest.files) {
    std::error_code error;
    fs::copy_file(checkpoint / file.name, temporary / file.name, error);
    if (error) {
      throw ResourceError{
          fmt::format("{}: cannot copy: {}", (checkpoint / file.name).string(), error.message())};
    }
    sync_file(temporary / file.name);
  }
  publish(temporary, path_of(manifest.epoch, manifest.step), manifest_of(checkpoint));
}

void CheckpointStore::clear() const {
  std::error_code error;
  std::vector<fs::path> ours = entries_of(directory_);
  ours.push_back(directory_ / kLatest);
  for (const fs::path& path : ours) {
    fs::remove_all(path, error);
    if (error) {
      throw ResourceError{fmt::format("{}: cannot remove: {}", path.string(), error.message())};
    }
  }
  fs::remove(directory_, error);  // stays if somebody else's files are in it
}

std::vector<fs::path> CheckpointStore::list() const {
  std::vector<std::pair<Position, fs::path>> found;
  for (const fs::path& path : entries_of(directory_)) {
    const fs::path published = is_hidden(path) ? name_before(path) : path;
    const auto position = position_of(published);
    if (!position || (published != path && fs::exists(published))) continue;
    found.emplace_back(*position, path);
  }
  std::ranges::sort(found, std::greater{});
  std::vector<fs::path> paths;
  for (auto& [position, path] : found) paths.push_back(std::move(path));
  return paths;
}

void CheckpointStore::prune(const KeepPolicy& policy) const {
  pass_checkpoint_phase(CheckpointPhase::prune);
  std::error_code ignored;
  std::size_t kept = 0;
  for (const fs::path& path : list()) {
    if (kept < policy.newest) {
      ++kept;
      continue;
    }
    const auto position = position_of(path);
    const bool whole = position && position->second == 0;
    const bool best = whole && policy.best_epoch == position->first;
    if (best || (whole && policy.every > 0 && position->first % policy.every == 0)) continue;
    fs::remove_all(path, ignored);
  }
  for (const fs::path& path : entries_of(directory_)) {
    if (is_hidden(path) && std::ranges::count(list(), path) == 0) fs::remove_all(path, ignored);
  }
}

CheckpointManifest read_manifest(const fs::path& checkpoint) {
  const std::string text = manifest_of(checkpoint);
  CheckpointManifest manifest;
  try {
    manifest = parse_manifest(text);
  } catch (const std::exception& error) {
    throw CheckpointError{fmt::format("{}: {}", manifest_path(checkpoint).string(), error.what())};
  }
  for (const CheckpointFile& file : manifest.files) require_own_file(checkpoint / file.name);
  return manifest;
}

CheckpointManifest look_at_checkpoint(const fs::path& checkpoint) {
  CheckpointManifest manifest = read_manifest(checkpoint);
  if (manifest.version < 3) return verify_checkpoint(checkpoint);
  for (const CheckpointFile& file : manifest.files) {
    const std::string damage = damage_of_frame(checkpoint / file.name, file);
    if (!damage.empty()) throw CheckpointError{damage};
  }
  return manifest;
}

std::vector<std::string> damage_of(const fs::path& checkpoint, const CheckpointManifest& manifest) {
  std::vector<std::string> damage;
  for (const CheckpointFile& file : manifest.files) {
    std::ranges::move(damage_of(checkpoint / file.name, file), std::back_inserter(damage));
  }
  return damage;
}

CheckpointManifest verify_checkpoint(const fs::path& checkpoint) {
  CheckpointManifest manifest = read_manifest(checkpoint);
  for (const CheckpointFile& file : manifest.files) {
    const auto damage = damage_of(checkpoint / file.name, file);
    if (!damage.empty()) throw CheckpointError{damage.front()};
  }
  return manifest;
}

}  // namespace factorps
