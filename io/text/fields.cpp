#include "io/text/fields.hpp"

namespace factorps {
namespace {

void split_at_blanks(std::string_view line, std::vector<std::string_view>& fields) {
  constexpr std::string_view kSet = " \t";
  std::size_t begin = line.find_first_not_of(kSet);
  while (begin != std::string_view::npos) {
    const std::size_t end = line.find_first_of(kSet, begin);
    fields.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    begin = line.find_first_not_of(kSet, end);
  }
}

}  // namespace

void split_fields(std::string_view line, std::string_view delimiter,
                  std::vector<std::string_view>& fields) {
  fields.clear();
  if (delimiter == kBlanks) return split_at_blanks(line, fields);
  for (std::size_t begin = 0;;) {
    const std::size_t end = line.find(delimiter, begin);
    fields.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    begin = end + delimiter.size();
  }
}

bool read_csv_record(std::string_view text, char delimiter, CsvRecord& record) {
  record.lines = 0;
  record.malformed = false;
  std::size_t field = 0;
  const auto start_field = [&]() -> std::string& {
    if (field == record.fields.size()) record.fields.emplace_back();
    record.fields[field].clear();
    return record.fields[field++];
  };
  std::size_t n = 0;
  for (std::string* out = &start_field(); n < text.size();) {
    if (text[n] == '"' && out->empty()) {
      for (++n;; ++n) {
        if (n + 1 >= text.size())
          return false;  // the closing quote and what follows it are not here
        if (text[n] == '"' && text[n + 1] != '"') break;
        if (text[n] == '"') ++n;
        record.lines += text[n] == '\n';
        out->push_back(text[n]);
      }
      ++n;
      const char after = text[n];
      record.malformed |= after != delimiter && after != '\n' && after != '\r';
    }
    std::size_t end = n;
    while (end < text.size() && text[end] != delimiter && text[end] != '\n') ++end;
    if (end == text.size()) return false;
    out->append(text.substr(n, end - n));
    n = end + 1;
    if (text[end] == delimiter) {
      out = &start_field();
      continue;
    }
    if (out->ends_with('\r')) out->pop_back();
    record.fields.resize(field);
    record.bytes = n;
    ++record.lines;
    return true;
  }
  return false;
}

}  // namespace factorps
