#include "apps/growing_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/files.hpp"
#include "io/json_text.hpp"

namespace factorps::apps {
namespace {

constexpr double kSecondsBetweenSaves = 1;

std::filesystem::path beside(const std::filesystem::path& path, const char* ending) {
  std::filesystem::path other = path;
  other += ending;
  return other;
}

}  // namespace

GrowingFile::GrowingFile(std::filesystem::path path, std::string identity, bool resume)
    : path_{std::move(path)},
      partial_{beside(path_, ".partial")},
      state_{beside(path_, ".partial.json")},
      identity_{std::move(identity)} {
  if (resume && std::filesystem::exists(state_)) {
    load();
  } else {
    std::error_code ignored;
    std::filesystem::remove(state_, ignored);
    std::filesystem::remove(partial_, ignored);
  }
  if (std::filesystem::is_symlink(partial_)) {  // to what is somebody else's
    throw ConfigError{fmt::format("{}: is a link, expected a file of ours", partial_.string())};
  }
  file_.open(partial_, std::ios::binary | std::ios::app);
  if (!file_) {
    throw ResourceError{fmt::format("{}: cannot create: {}", path_.string(), std::strerror(errno))};
  }
}

GrowingFile::~GrowingFile() {
  try {
    save();
  } catch (const std::exception&) {  // an earlier save still holds
  }
}

void GrowingFile::load() {
  const auto state = parse_json(read_file(state_));
  const auto number = [&](const char* key) {
    if (!state.is_object() || !state.contains(key) || !state[key].is_number_unsigned()) {
      throw DataError{
          fmt::format("{}: damaged; without --resume the work starts again", state_.string())};
    }
    return state[key].get<std::uint64_t>();
  };
  done_ = number("done");
  bytes_ = number("bytes");
  if (state.value("identity", nlohmann::json{}) != identity_) {
    throw ConfigError{fmt::format(
        "{}: is of another model, other users or other options; expected the same ones, or no "
        "--resume to start again",
        partial_.string())};
  }
  std::error_code error;
  const auto size = std::filesystem::file_size(partial_, error);
  if (error || size < bytes_) {
    throw DataError{
        fmt::format("{}: is shorter than the {} bytes in {}; without --resume the work "
                    "starts again",
                    partial_.string(), bytes_, state_.filename().string())};
  }
  std::filesystem::resize_file(partial_, bytes_);
}

void GrowingFile::append(std::string_view bytes, std::uint64_t units) {
  file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file_.flush()) {
    throw ResourceError{
        fmt::format("{}: cannot write: {}; --resume goes on with the first {} users",
                    partial_.string(), std::strerror(errno), done_)};
  }
  bytes_ += bytes.size();
  done_ += units;
  saved_ = false;
  if (since_saved_.seconds() >= kSecondsBetweenSaves) save();
}

void GrowingFile::save() {
  if (saved_) return;
  sync_file(partial_);
  const nlohmann::json state{{"identity", identity_}, {"done", done_}, {"bytes", bytes_}};
  write_file_atomically(state_, state.dump() + '\n');
  saved_ = true;
  since_saved_.restart();
}

void GrowingFile::commit(const std::function<bool(const std::filesystem::path&,
                                                  const std::filesystem::path&)>& convert) {
  save();
  file_.close();
  const std::filesystem::path temporary = create_temporary(path_);
  std::error_code ignored;
  if (convert(partial_, temporary)) {
    commit_rename(temporary, path_);
  } else {
    std::filesystem::remove(temporary, ignored);
    commit_rename(partial_, path_);
  }
  std::filesystem::remove(partial_, ignored);
  std::filesystem::remove(state_, ignored);
}

}  // namespace factorps::apps
