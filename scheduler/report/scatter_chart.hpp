/// Measured points with their intervals over a number, beside lines of what could be expected.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scheduler/report/chart.hpp"

namespace factorps::scheduler {

struct ScatterChart {
  std::string name;    ///< what is drawn: accessible name and tooltips
  std::string x_name;  ///< under the axis
  struct Point {
    double x, y, low, high;
    std::string name;  ///< written beside it
    bool hollow = false;
  };
  struct Series {
    std::string name;
    std::string css_class;
    std::vector<Point> points;
    std::vector<std::pair<double, double>> curve;  ///< drawn broken; may be empty
  };
  std::vector<Series> series;
  std::vector<std::pair<double, double>> ideal;  ///< drawn broken, without colour
};
/// From 0 on the value axis.
[[nodiscard]] std::string scatter_chart(const ScatterChart& chart, const NumberText& text);

/// What the colours of a picture mean.
using Legend = std::vector<std::pair<std::string, std::string>>;  // (css class, name)

/// A chart as a file of its own: with title, notes, legend and colours, on white.
[[nodiscard]] std::string svg_file(const std::string& chart, const std::string& title,
                                   const std::vector<std::string>& notes, const Legend& legend);

}  // namespace factorps::scheduler
