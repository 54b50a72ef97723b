#include "apps/text_output.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include <fmt/core.h>

#include "common/error.hpp"
#include "io/files.hpp"

namespace factorps::apps {

TextOutput::TextOutput(const std::filesystem::path& path) : path_{path} {
  if (path_.empty()) return;
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
