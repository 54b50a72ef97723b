#include "io/text/fields.hpp"

#include <gtest/gtest.h>

namespace factorps {
namespace {

using Fields = std::vector<std::string_view>;

Fields split(std::string_view line, std::string_view delimiter) {
  Fields fields{"left over"};
  split_fields(line, delimiter, fields);
  return fields;
}

TEST(Fields, AreCutAtEveryDelimiter) {
  EXPECT_EQ(split("a,b,,c", ","), (Fields{"a", "b", "", "c"}));
  EXPECT_EQ(split("1::2::3", "::"), (Fields{"1", "2", "3"}));
  EXPECT_EQ(split(",", ","), (Fields{"", ""}));
  EXPECT_EQ(split("", ","), (Fields{""}));
}

TEST(Fields, AreCutAtRunsOfBlanks) {
  EXPECT_EQ(split("  a \t b  ", kBlanks), (Fields{"a", "b"}));
  EXPECT_EQ(split("a", kBlanks), (Fields{"a"}));
  EXPECT_EQ(split(" \t", kBlanks), (Fields{}));
}

/// All records of a text, fields joined by |, records by /; ? marks a malformed one.
std::string records(std::string_view text) {
  std::string result;
  CsvRecord record;
  while (read_csv_record(text, ',', record)) {
    for (const std::string& field : record.fields) result += field + "|";
    result += record.malformed ? "?/" : "/";
    text.remove_prefix(record.bytes);
  }
  return result + std::string{text};
}

TEST(CsvRecord, FollowsRfc4180) {
  EXPECT_EQ(records("a,b\nc,d\n"), "a|b|/c|d|/");
  EXPECT_EQ(records("a,b\r\nc,d\r\n"), "a|b|/c|d|/");
  EXPECT_EQ(records("\"a,1\",\"b \"\"x\"\"\"\n"), "a,1|b \"x\"|/");
  EXPECT_EQ(records("\"two\nlines\",b\n"), "two\nlines|b|/");
  EXPECT_EQ(records("\"\",\"\"\n,\n"), "||/||/");
  EXPECT_EQ(records("a\"b,c\n"), "a\"b|c|/");  // a quote inside a plain field is text
  EXPECT_EQ(records("\"a\"b,c\nd,e\n"), "ab|c|?/d|e|/");
}

TEST(CsvRecord, WaitsForTheEndOfTheRecord) {
  for (const char* text : {"", "a", "a,b", "\"a", "\"a\"", "\"a\"\"", "\"a\n"}) {
    EXPECT_EQ(records(text), text);
  }
}

TEST(CsvRecord, CountsItsLines) {
  CsvRecord record;
  ASSERT_TRUE(read_csv_record("\"a\n\nb\",c\nd\n", ',', record));
  EXPECT_EQ(record.lines, 3U);
  EXPECT_EQ(record.bytes, 9U);
}

}  // namespace
}  // namespace factorps
