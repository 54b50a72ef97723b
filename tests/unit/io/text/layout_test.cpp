#include "io/text/layout.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

std::string layout_of(const std::string& text, const DataConfig& config = {}) {
  const test::TemporaryDirectory directory;
  return describe(detect_layout(directory.write("ratings", text), config));
}

TEST(Layout, IsFoundInTheFirstLines) {
  EXPECT_EQ(layout_of("1,2,3\n"),
            R"(separated by ",", no header, user 1, item 2, value 3, no time)");
  EXPECT_EQ(layout_of("1 2 3 4\n"),
            "separated by blanks, no header, user 1, item 2, value 3, time 4");
  EXPECT_EQ(layout_of("1\t2\t3\t4\n"),
            "separated by tabs, no header, user 1, item 2, value 3, time 4");
  EXPECT_EQ(layout_of("1::2::3::4\n"),
            R"(separated by "::", no header, user 1, item 2, value 3, time 4)");
  EXPECT_EQ(layout_of("1;2;3.5\n"),
            R"(separated by ";", no header, user 1, item 2, value 3, no time)");
  EXPECT_EQ(layout_of("1,2\n"),
            R"(separated by ",", no header, user 1, item 2, no value, no time)");
  EXPECT_EQ(layout_of("\xEF\xBB\xBFuserId,movieId,rating,timestamp\n1,2,3,4\n"),
            R"(separated by ",", header, user 1, item 2, value 3, time 4)");
  EXPECT_EQ(layout_of("rating,item,x,user\n"),
            R"(separated by ",", header, user 4, item 2, value 1, no time)");
  EXPECT_EQ(layout_of("1 2 3 4 5 6\n2 7\n"), "one list of items per user");
  EXPECT_EQ(layout_of("user,item\n\"a,b\",c\n"),
            R"(csv with quotes, separated by ",", header, user 1, item 2, no value, no time)");
  EXPECT_EQ(layout_of("timestamp:float\tuser_id:token\titem_id:token\trating:float\n"),
            "separated by tabs, header, user 2, item 3, value 4, time 1");
  EXPECT_EQ(layout_of(""), "separated by blanks, no header, user 1, item 2, no value, no time");
}

TEST(Layout, ObeysTheConfig) {
  const DataConfig names{.source = {},
                         .test = {},
                         .user = "Customer",
                         .item = "StockCode",
                         .value = "Quantity",
                         .time = ""};
  EXPECT_EQ(layout_of("StockCode,\"x\",Quantity,date,customer\n", names),
            R"(csv with quotes, separated by ",", header, user 5, item 1, value 3, no time)");
  const DataConfig numbers{.source = {}, .test = {}, .user = "2", .item = "1", .value = ""};
  EXPECT_EQ(layout_of("2,7,9,4\n", numbers),
            R"(separated by ",", no header, user 2, item 1, no value, time 4)");
  const DataConfig forced{
      .source = {}, .test = {}, .delimiter = "|", .header = "yes", .user = "1", .item = "2"};
  EXPECT_EQ(layout_of("a,b|c|rating\n", forced),
            R"(separated by "|", header, user 1, item 2, value 3, no time)");
  EXPECT_EQ(layout_of("1 2 3\n", {.source = {}, .test = {}, .format = "lists"}),
            "one list of items per user");
}

TEST(Layout, NamesTheColumnsThatAreThere) {
  const DataConfig config{.source = {}, .test = {}, .user = "customer"};
  try {
    layout_of("client,item,rating\n", config);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(
        std::string{error.what()}.find(
            R"(ratings:1: no column "customer" (data.user); the columns are: client, item, rating)"),
        std::string::npos)
        << error.what();
  }
  EXPECT_THROW(layout_of("1,2,3\n", config), ConfigError);  // no names at all
}

TEST(Layout, FindsNoNamesInAnEmptyFile) {
  const DataConfig config{.source = {}, .test = {}, .user = "customer"};
  for (const char* text : {"", "\n\n"}) {
    try {
      layout_of(text, config);
      FAIL();
    } catch (const DataError& error) {
      EXPECT_NE(std::string{error.what()}.find(
                    R"(ratings: is empty, expected a header with column "customer" (data.user))"),
                std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace factorps
