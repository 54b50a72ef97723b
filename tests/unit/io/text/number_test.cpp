#include "io/text/number.hpp"

#include <cmath>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/text/plain_row.hpp"

namespace factorps {
namespace {

TEST(Number, CanonicalIntegersAreTheTextOfTheirValue) {
  for (const char* text :
       {"0", "7", "-7", "1234567890", "9223372036854775807", "-9223372036854775808"}) {
    ASSERT_TRUE(canonical_integer(text)) << text;
    EXPECT_EQ(std::to_string(*canonical_integer(text)), text);
  }
  for (const char* text :
       {"", "-", "+7", "007", "-0", "00", " 7", "7 ", "7.0", "9223372036854775808", "0x1"}) {
    EXPECT_FALSE(canonical_integer(text)) << text;
  }
}

TEST(Number, FloatsAreFiniteAndFillTheField) {
  EXPECT_EQ(finite_float("0.1"), 0.1F);
  EXPECT_EQ(finite_float("-1e3"), -1000.0F);
  EXPECT_EQ(finite_float("16777217"), 16777216.0F);  // ties to even
  for (const char* text : {"", "x", "1x", " 1", "1 ", "nan", "inf", "-inf", "1e39", "1,5"}) {
    EXPECT_FALSE(finite_float(text)) << text;
  }
}

constexpr PlainColumns kTriple{',', true, false};

const char* read(const std::string& line, const PlainColumns& columns, PlainRow& row) {
  return read_plain_row(line.data(), line.data() + line.size(), columns, row);
}

TEST(PlainRow, ReadsTheUsualLine) {
  PlainRow row;
  const std::string line = "12,-7,4.5\n";
  EXPECT_EQ(read(line, kTriple, row), line.data() + line.size());
  EXPECT_EQ(row.user, 12);
  EXPECT_EQ(row.item, -7);
  EXPECT_EQ(row.value, 4.5F);
  for (const std::string same : {"12,-7,4.5\r\n", "12,-7,4.5,and,more\n", "12,-7,4.50\n"}) {
    EXPECT_EQ(read(same, kTriple, row), same.data() + same.size()) << same;
    EXPECT_EQ(row.value, 4.5F);
  }
  const std::string timed = "1\t2\t3\t874965758\n";
  EXPECT_NE(read(timed, {'\t', true, true}, row), nullptr);
  EXPECT_EQ(row.time, 874965758);
  const std::string pair = "1;2\n";
  EXPECT_NE(read(pair, {';', false, false}, row), nullptr);
}

TEST(PlainRow, LeavesEverythingElseToTheCarefulReader) {
  PlainRow row;
  for (const std::string line :
       {"\n",        "1\n",      "1,2\n",      "1,2,\n",         "1,2,x\n",
        "01,2,3\n",  "+1,2,3\n", "1,-0,3\n",   "a,2,3\n",        "1,2,3x\n",
        "1,2,1e2\n", "1,2,.\n",  "1,2,1.\n",   "1,2,12345678\n", "1,2,0.1234567\n",
        "1 ,2,3\n",  "1,2, 3\n", "1,2,3\rx\n", "1,\"2\",3\n",    "1234567890123456789,2,3\n"}) {
    EXPECT_EQ(read(line, kTriple, row), nullptr) << line;
  }
}

TEST(PlainRow, RoundsExactlyAsTheLibraryDoes) {
  std::mt19937 random{11};
  for (int trial = 0; trial < 20000; ++trial) {
    const int decimals = static_cast<int>(random() % 7);
    const double scale = std::pow(10.0, decimals);
    const std::string value =
        fmt::format("{:.{}f}", static_cast<double>(random() % 10'000'000) / scale, decimals);
    PlainRow row;
    const std::string line = "1,2," + value + "\n";
    if (read(line, kTriple, row) == nullptr) continue;  // 0 and 7 decimals are 8 digits
    ASSERT_EQ(row.value, *finite_float(value)) << value;
  }
}

}  // namespace
}  // namespace factorps
