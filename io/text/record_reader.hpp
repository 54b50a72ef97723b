/// The records of a text file one after the other, for files that are not worth a quicker path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/text/block_reader.hpp"
#include "io/text/fields.hpp"

namespace factorps {

/// Reads plain, gzip and zstd files. Fields between commas or semicolons may be quoted (RFC 4180);
/// other delimiters cut every line where they stand. Empty lines are passed over.
class RecordReader {
 public:
  /// @param delimiter as data.delimiter; "auto" is decided by the first line
  /// @throws DataError if the file cannot be read
  RecordReader(const std::filesystem::path& path, std::string delimiter);

  /// @return false at the end
  /// @throws DataError "file:line: what" if quotes do not match; naming the file if it is damaged
  bool next();
  /// Of the record; valid until the next call of next().
  [[nodiscard]] const std::vector<std::string_view>& fields() const noexcept { return fields_; }
  /// "file:line" of the record, where it starts.
  [[nodiscard]] std::string place() const;
  [[nodiscard]] std::uint64_t line() const noexcept { return line_; }

 private:
  void start();
  /// Cuts the record at the start of the window. @return its bytes; 0 if it is not all there
  [[nodiscard]] std::size_t cut();

  std::filesystem::path path_;
  BlockReader blocks_;
  std::string delimiter_;
  bool started_ = false;
  bool quoted_ = false;
  std::uint64_t line_ = 0;
  std::uint64_t lines_ = 1;  // of the record
  std::size_t used_ = 0;     // bytes of the record, still in the window
  std::vector<std::string_view> fields_;
  CsvRecord record_;
};

}  // namespace factorps
