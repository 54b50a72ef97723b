#include "apps/text_output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include <fmt/core.h>

#include "common/error.hpp"
#include "io/files.hpp"
#include "io/hdf5.hpp"
#include "scheduler/run_directory.hpp"

namespace factorps::apps {

namespace {

constexpr std::string_view kEscaped = "\t\n\r\\";
constexpr std::string_view kLetters = "tnr\\";  // what stands for it after a backslash

/// What an HDF5 file says it is; empty if it does not.
std::string format_of(const std::filesystem::path& path) {
  try {
    return h5::File::open(path).text("/", "format");
  } catch (const DataError&) {
    return {};
  }
}

}  // namespace

void refuse_to_replace(const std::filesystem::path& path, const std::filesystem::path& input,
                       std::string_view format) {
  if (!std::filesystem::is_regular_file(path)) return;
  std::error_code ignored;
  if (!input.empty() && std::filesystem::equivalent(path, input, ignored)) {
    throw ConfigError{fmt::format("{}: is the input, expected another output", path.string())};
  }
  char start[4] = {};
  std::ifstream{path, std::ios::binary}.read(start, sizeof start);
  if (std::string_view{start, sizeof start} != "\211HDF") return;
  if (format.empty() || format_of(path) != format) {
    throw ConfigError{
        fmt::format("{}: is an HDF5 file, expected another name for the output", path.string())};
  }
}

TextOutput::TextOutput(const std::filesystem::path& path, const std::filesystem::path& input)
    : path_{path} {
  if (path_.empty()) return;
  refuse_to_replace(path_, input, {});
  const bool special = std::filesystem::exists(path_) && !std::filesystem::is_regular_file(path_);
  temporary_ = special ? path_ : create_temporary(path_);
  file_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!file_) {
    throw ResourceError{fmt::format("{}: cannot create: {}", path_.string(), std::strerror(errno))};
  }
}

TextOutput::~TextOutput() {
  std::error_code ignored;
  if (temporary_ != path_) std::filesystem::remove(temporary_, ignored);
}

void TextOutput::write(std::string_view text) {
  std::ostream& out = path_.empty() ? std::cout : file_;
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

void TextOutput::commit() {
  if (path_.empty()) return;  // main() checks stdout
  file_.close();
  if (!file_) {
    throw ResourceError{fmt::format("{}: cannot write: {}", path_.string(), std::strerror(errno))};
  }
  if (temporary_ == path_) return;
  sync_file(temporary_);
  commit_rename(temporary_, path_);
}

void refuse_files_of_run(const std::filesystem::path& out, const std::filesystem::path& run) {
  const auto refuse = [&](const char* name) {
    std::error_code ignored;
    if (!std::filesystem::equivalent(out, run / name, ignored)) return;
    throw ConfigError{
        fmt::format("{}: is a file of the run, expected another output", out.string())};
  };
  std::ranges::for_each(scheduler::kRunFiles, refuse);
  refuse("scaling.json");
}

std::string tsv_field(std::string_view text) {
  std::string field;
  field.reserve(text.size());
  for (const char c : text) {
    if (const auto at = kEscaped.find(c); at != std::string_view::npos) {
      field += '\\';
      field += kLetters[at];
    } else {
      field += c;
    }
  }
  return field;
}

std::optional<std::string> from_tsv_field(std::string_view field) {
  std::string text;
  text.reserve(field.size());
  for (std::size_t n = 0; n < field.size(); ++n) {
    if (field[n] != '\\') {
      text += field[n];
      continue;
    }
    const auto at = ++n < field.size() ? kLetters.find(field[n]) : std::string_view::npos;
    if (at == std::string_view::npos) return std::nullopt;
    text += kEscaped[at];
  }
  return text;
}

}  // namespace factorps::apps
