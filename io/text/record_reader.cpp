#include "io/text/record_reader.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "io/text/layout.hpp"

namespace factorps {

RecordReader::RecordReader(const std::filesystem::path& path, std::string delimiter)
    : path_{path}, blocks_{open_source(path)}, delimiter_{std::move(delimiter)} {}

std::string RecordReader::place() const { return fmt::format("{}:{}", path_.string(), line_); }

/// Looks at the first line.
void RecordReader::start() {
  started_ = true;
  while (blocks_.window().find('\n') == std::string_view::npos && blocks_.fill()) {
  }
  if (blocks_.window().starts_with("\xEF\xBB\xBF")) blocks_.consume(3);
  delimiter_ =
      choose_delimiter(delimiter_, blocks_.window().substr(0, blocks_.window().find('\n')));
  quoted_ = delimiter_ == "," || delimiter_ == ";";
}

std::size_t RecordReader::cut() {
  const std::string_view window = blocks_.window();
  if (quoted_) {
    if (!read_csv_record(window, delimiter_.front(), record_)) return 0;
    fields_.assign(record_.fields.begin(), record_.fields.end());
    lines_ = record_.lines;
    return record_.bytes;
  }
  const std::size_t end = window.find('\n');
  if (end == std::string_view::npos) return 0;
  std::string_view line = window.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  split_fields(line, delimiter_, fields_);
  lines_ = 1;
  return end + 1;
}

bool RecordReader::next() {
  if (!started_) start();
  for (;;) {
    blocks_.consume(std::exchange(used_, 0));
    line_ += lines_;
    while ((used_ = cut()) == 0) {
      if (blocks_.fill()) continue;
      if (blocks_.window().empty()) return false;
      throw DataError{place() + ": a quoted field does not end before the file does"};
    }
    if (quoted_ && record_.malformed)
      throw DataError{place() + ": found text after a closing quote"};
    const bool empty = fields_.empty() || (fields_.size() == 1 && fields_.front().empty());
    if (!empty) return true;
  }
}

}  // namespace factorps
