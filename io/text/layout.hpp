/// How a text file is laid out: found out from its first lines and what the config says.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "io/config.hpp"

namespace factorps {

/// What it takes to read a file.
struct TextLayout {
  enum class Kind {
    delimited,  ///< one interaction per line, no quotes
    quoted,     ///< one interaction per record of RFC 4180
    lists       ///< one user per line, then that user's items
  };
  Kind kind = Kind::delimited;
  std::string delimiter = ",";  ///< kBlanks: any run of spaces and tabs
  bool header = false;          ///< the first line (record) holds names
  std::size_t user = 0;         ///< columns, from 0; only user counts for lists (always 0)
  std::size_t item = 1;
  std::optional<std::size_t> value;  ///< none: every interaction counts as 1
  std::optional<std::size_t> time;
  std::optional<std::size_t> event;  ///< none: all rows are alike
};

/// The text between fields that a setting names (DataConfig::delimiter). @param line the first one
[[nodiscard]] std::string choose_delimiter(const std::string& configured, std::string_view line);

/// Reads the first part of the file and decides.
/// @throws DataError if a named column is not there, naming the ones that are;
///         ConfigError if a column is named but the file has no names
[[nodiscard]] TextLayout detect_layout(const std::filesystem::path& path, const DataConfig& config);

/// One line for people, e.g. "comma-separated, header, user 1, item 2, value 3, no time".
[[nodiscard]] std::string describe(const TextLayout& layout);

}  // namespace factorps
