/// Lines and records cut into fields.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace factorps {

/// The delimiter that stands for any run of spaces and tabs.
inline constexpr std::string_view kBlanks = " ";

/// Cuts a line (without its end) at every `delimiter`; at runs of blanks, ignoring those around
/// the line, if it is kBlanks. The fields view the line. @param fields replaced
void split_fields(std::string_view line, std::string_view delimiter,
                  std::vector<std::string_view>& fields);

/// A record of a CSV file (RFC 4180).
struct CsvRecord {
  std::vector<std::string> fields;  ///< without quotes
  std::size_t bytes = 0;            ///< with its line end
  std::size_t lines = 0;            ///< line ends in it, at least 1
  bool malformed = false;           ///< text after a closing quote
};

/// Reads the first record of `text`. @return false if the record does not end in it
bool read_csv_record(std::string_view text, char delimiter, CsvRecord& record);

}  // namespace factorps
