#include "apps/text_output.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include <fmt/core.h>

#include "common/error.hpp"
#include "io/files.hpp"

namespace factorps::apps {

namespace {

/// A mistyped output must not cost a dataset, a model or the input itself.
void refuse_to_replace(const std::filesystem::path& path, const std::filesystem::path& input) {
  if (!std::filesystem::is_regular_file(path)) return;
  std::error_code ignored;
  if (!input.empty() && std::filesystem::equivalent(path, input, ignored)) {
    throw ConfigError{fmt::format("{}: is the input, expected another output", path.string())};
  }
  char start[4] = {};
  std::ifstream{path, std::ios::binary}.read(start, sizeof start);
  if (std::string_view{start, sizeof start} == "\211HDF") {
    throw ConfigError{
        fmt::format("{}: is an HDF5 file, expected another name for the text", path.string())};
  }
}

}  // namespace

TextOutput::TextOutput(const std::filesystem::path& path, const std::filesystem::path& input)
    : path_{path} {
  if (path_.empty()) return;
  refuse_to_replace(path_, input);
  const bool special = std::filesystem::exists(path_) && !std::filesystem::is_regular_file(path_);
  temporary_ = special ? path_ : temporary_name(path_);
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

std::string tsv_field(std::string_view text) {
  std::string field;
  field.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '\t':
        field += "\\t";
        break;
      case '\n':
        field += "\\n";
        break;
      case '\r':
        field += "\\r";
        break;
      case '\\':
        field += "\\\\";
        break;
      default:
        field += c;
    }
  }
  return field;
}

}  // namespace factorps::apps
