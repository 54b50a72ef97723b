#include "scheduler/report/chart.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

std::string whole(double value) { return std::to_string(static_cast<int>(value)); }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++found;
  }
  return found;
}

TEST(Escaped, LeavesNothingThatHtmlReads) {
  EXPECT_EQ(escaped("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
}

TEST(Ticks, AreRoundAndEncloseTheValues) {
  EXPECT_EQ(ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks(3, 17, 4), (std::vector<double>{0, 5, 10, 15, 20}));
  EXPECT_EQ(ticks(0, 0, 4).front(), 0);
}

TEST(Ticks, OfOneValueLeaveItInside) {
  for (const double value : {5.0, -5.0, 1e-12, 1.0}) {
    const auto at = ticks(value, value, 4);
    EXPECT_LE(at.front(), value);
    EXPECT_GE(at.back(), value);
    EXPECT_LT(at.size(), 20U);
  }
}

TEST(LineChart, HasAPointPerValueAndTheMark) {
  const LineChart chart{"error <1>", "a", {{1, 10}, {2, 5}, {3, 7}}, 1, "best & last"};
  const std::string svg = line_chart(chart, whole);
  // Epochs 1 to 3 from 70 to 500, values 5 to 10 (ticks 4 to 10) from 184 to 14.
  EXPECT_NE(svg.find("points=\"70.0,14.0 285.0,155.7 500.0,99.0\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("aria-label=\"error &lt;1&gt;\""), std::string::npos);
  EXPECT_NE(svg.find(">best &amp; last</text>"), std::string::npos);
  EXPECT_EQ(count(svg, "class=\"mark"), 1U);
  EXPECT_EQ(count(svg, "<title>epoch "), 3U);
}

TEST(LineChart, DrawsOneEpoch) {
  const std::string svg = line_chart({"x", "a", {{4, 1}}, -1, {}}, whole);
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
  EXPECT_EQ(count(svg, "<title>epoch 4"), 1U);
}

TEST(ColumnChart, StacksThePartsOfARow) {
  const StackedChart chart{"time", {"train", "save"}, {"a", "b"}, {{"1", {3, 1}}, {"2", {2, 0}}}};
  const std::string svg = column_chart(chart, whole);
  // 4 units are 170 high: 3 from the bottom at 184, 1 above it.
  EXPECT_NE(svg.find("y=\"56.50\" width=\"40.00\" height=\"127.50\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("y=\"14.00\" width=\"40.00\" height=\"42.50\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("<title>epoch 2: train 2</title>"), std::string::npos);
}

TEST(BarChart, WritesSharesWhereThereIsRoom) {
  const StackedChart chart{"time", {"compute", "wait"}, {"a", "b"}, {{"worker 0", {99, 1}}}};
  const std::string svg = bar_chart(chart, whole);
  EXPECT_NE(svg.find(">99.0 %</text>"), std::string::npos) << svg;
  EXPECT_EQ(svg.find(">1.0 %</text>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("<title>worker 0: wait 1 (1.0 %)</title>"), std::string::npos) << svg;
}

}  // namespace
}  // namespace factorps::scheduler
