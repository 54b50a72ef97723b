#include "io/text/date_time.hpp"

#include <gtest/gtest.h>

namespace factorps {
namespace {

TEST(DateTime, ReadsSecondsAndIso) {
  EXPECT_EQ(parse_time("874965758"), 874965758);
  EXPECT_EQ(parse_time("-1"), -1);
  EXPECT_EQ(parse_time("1112484727.9"), 1112484727);
  EXPECT_EQ(parse_time("-0.5"), -1);  // downwards
  EXPECT_EQ(parse_time("8.74965758E8"), 874965758);
  EXPECT_EQ(parse_time("1970-01-01"), 0);
  EXPECT_EQ(parse_time("2000-02-29"), 951782400);  // date -u -d 2000-02-29 +%s
  EXPECT_EQ(parse_time("2017-01-28 14:06:53"), 1485612413);
  EXPECT_EQ(parse_time("2017-01-28T14:06:53Z"), 1485612413);
  EXPECT_EQ(parse_time("2017-01-28T14:06:53.250"), 1485612413);
  EXPECT_EQ(parse_time("2017-01-28 14:06"), 1485612360);
  EXPECT_EQ(parse_time("2017-01-28T14:06:53+02:00"), 1485612413 - 7200);
  EXPECT_EQ(parse_time("2017-01-28T14:06:53-0130"), 1485612413 + 5400);
  EXPECT_EQ(parse_time("1969-12-31 23:59:59"), -1);
}

TEST(DateTime, RefusesEverythingElse) {
  for (const char* text : {"", "x", "2017-1-28", "2017-13-01", "2001-02-29", "2017-01-28 25:00",
                           "2017-01-28 14", "2017-01-28 14:06:53 ", "2017-01-28T14:06+2",
                           "28.01.2017", "nan", "1e300", "2017-01-28T"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace factorps
