#include "scheduler/report/scatter_chart.hpp"

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

std::string whole(double value) { return std::to_string(static_cast<int>(value)); }

ScatterChart chart() {
  return {"speed-up",
          "workers",
          {{"dim <8>", "a", {{1, 1, 1, 1, "1x1"}, {4, 3, 2, 4, "2x2", true}}, {{1, 1}, {4, 3}}}},
          {{1, 1}, {4, 4}}};
}

TEST(ScatterChart, PutsPointsAndIntervalsInTheirPlaces) {
  const std::string svg = scatter_chart(chart(), whole);
  // 0 to 4 workers from 70 to 454, values 0 to 4 from 284 to 14.
  EXPECT_NE(svg.find("<circle class=\"dot a\" cx=\"166.0\" cy=\"216.5\""), std::string::npos)
      << svg;
  EXPECT_NE(svg.find("<circle class=\"mark a\" cx=\"454.0\" cy=\"81.5\""), std::string::npos)
      << svg;
  EXPECT_NE(svg.find("x1=\"454.0\" y1=\"149.0\" x2=\"454.0\" y2=\"14.0\""), std::string::npos)
      << svg;
  EXPECT_NE(svg.find("\"broken ideal\" points=\"166.0,216.5 454.0,14.0\""), std::string::npos)
      << svg;
  EXPECT_NE(svg.find("\"broken a\" points=\"166.0,216.5 454.0,81.5\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("<title>dim &lt;8&gt; 2x2: speed-up 3 (2 to 4)</title>"), std::string::npos);
}

TEST(SvgFile, HasColoursAndEscapedWordsAndStandsAlone) {
  const std::string file =
      svg_file(scatter_chart(chart(), whole), "a & b", {"a <note>"}, {{"a", "dim <8>"}});
  EXPECT_EQ(file.find("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"520\" height=\"392\""), 0U)
      << file;
  EXPECT_NE(file.find("<style>"), std::string::npos);
  EXPECT_EQ(file.find("var("), std::string::npos);
  for (const char* text :
       {">a &amp; b</text>", ">a &lt;note&gt;</text>", ">dim &lt;8&gt;</text>"}) {
    EXPECT_NE(file.find(text), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace factorps::scheduler
