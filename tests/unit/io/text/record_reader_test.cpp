#include "io/text/record_reader.hpp"

#include <string>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

using Record = std::vector<std::string>;

class Records : public testing::Test {
 protected:
  std::vector<Record> read(std::string_view text, const std::string& delimiter = "auto") {
    RecordReader in{directory_.write("file", text), delimiter};
    std::vector<Record> records;
    lines_.clear();
    while (in.next()) {
      records.emplace_back(in.fields().begin(), in.fields().end());
      lines_.push_back(in.line());
    }
    return records;
  }
  std::string error(std::string_view text) {
    try {
      read(text);
    } catch (const DataError& error) {
      return std::string{error.what()}.substr(directory_.path().string().size() + 1);
    }
    return "no error";
  }

  test::TemporaryDirectory directory_;
  std::vector<std::uint64_t> lines_;
};

TEST_F(Records, KeepQuotedDelimitersAndLineEnds) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "id,\"na\"\"me\"\r\n1,\"a, b\nc\"\r\n\n2,\n"),
            (std::vector<Record>{{"id", "na\"me"}, {"1", "a, b\nc"}, {"2", ""}}));
  EXPECT_EQ(lines_, (std::vector<std::uint64_t>{1, 2, 5}));
}

TEST_F(Records, AreCutAtOtherDelimitersAsTheyStand) {
  EXPECT_EQ(read("1|\"a,b|c\r\n\n2||x", "|"),
            (std::vector<Record>{{"1", "\"a,b", "c"}, {"2", "", "x"}}));
  EXPECT_EQ(lines_, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(read("a\tb c\n"), (std::vector<Record>{{"a", "b c"}}));
  EXPECT_EQ(read("1;2,5\n", "semicolon"), (std::vector<Record>{{"1", "2,5"}}));
  EXPECT_TRUE(read("").empty());
}

TEST_F(Records, OfManyBlocksAreWhole) {
  std::string text;
  std::vector<Record> expected;
  for (int n = 0; n < 60000; ++n) {
    expected.push_back({std::to_string(n), std::string(static_cast<std::size_t>(n % 97), 'x')});
    text += expected.back()[0] + ",\"" + expected.back()[1] + "\"\n";
  }
  ASSERT_GT(text.size(), BlockReader::kBlockBytes);
  EXPECT_EQ(read(text), expected);
  EXPECT_EQ(lines_.back(), 60000U);
}

TEST_F(Records, SayWhereQuotesDoNotMatch) {
  EXPECT_EQ(error("a,b\n1,\"x\ny\n"), "file:2: a quoted field does not end before the file does");
  EXPECT_EQ(error("a,b\n\n1,\"x\"y\n"), "file:3: found text after a closing quote");
}

}  // namespace
}  // namespace factorps
