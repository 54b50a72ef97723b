/// Charts as inline SVG: pure functions of numbers, no scripts. Colours come from the page's style
/// by class (style.hpp); every mark has a <title>, which browsers show under the pointer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace factorps::scheduler {

/// Text for HTML and SVG, in elements and in attributes.
[[nodiscard]] std::string escaped(std::string_view text);

/// Values at round distances (1, 2 or 5 times a power of ten) from the last below `low` to the
/// first above `high`; about `count` of them.
[[nodiscard]] std::vector<double> ticks(double low, double high, int count);

/// A number for people, with a unit if it has one.
using NumberText = std::function<std::string(double)>;

/// One line over epochs.
struct LineChart {
  std::string name;  ///< what is drawn: accessible name and tooltips
  std::string css_class;
  std::vector<std::pair<double, double>> points;  ///< (epoch, value), epochs ascending
  int marked = -1;                                ///< point to mark
  std::string mark;                               ///< text at it
};
[[nodiscard]] std::string line_chart(const LineChart& chart, const NumberText& text);

/// Parts on top of one another.
struct StackedChart {
  std::string name;
  std::vector<std::string> parts;        // [part] names
  std::vector<std::string> css_classes;  // [part]
  struct Row {
    std::string name;
    std::vector<double> values;  // [part]
  };
  std::vector<Row> rows;
};
/// A column per row, over epochs: the rows' names are the numbers under the axis.
[[nodiscard]] std::string column_chart(const StackedChart& chart, const NumberText& text);
/// A bar per row as long as the others, with the share of each part written into it where there is
/// room.
[[nodiscard]] std::string bar_chart(const StackedChart& chart, const NumberText& text);
/// What the colours of the parts mean, as HTML.
[[nodiscard]] std::string legend(const StackedChart& chart);

}  // namespace factorps::scheduler
