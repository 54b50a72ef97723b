/// Pieces of the charts: positions, text, shapes.
#pragma once

#include <string>
#include <vector>

#include "scheduler/report/chart.hpp"

namespace factorps::scheduler {

/// From values to positions.
struct Scale {
  double low, high, from, to;
  double operator()(double x) const {
    return high > low ? from + (x - low) / (high - low) * (to - from) : (from + to) / 2;
  }
};

/// Where the marks of a chart of the usual size are; the page scales it.
struct Frame {
  double width = 520;
  double height = 220;
  double left = 64;
  double right = 520 - 14;
  double top = 14;
  double bottom = 220 - 36;
};

[[nodiscard]] std::string svg(double width, double height, const std::string& name,
                              const std::string& body);
[[nodiscard]] std::string label(double x, double y, const char* anchor, const std::string& text);
[[nodiscard]] std::string rectangle(const std::string& css_class, double x, double y, double width,
                                    double height, const std::string& title);
/// Lines across the frame at these values, and the values beside them.
[[nodiscard]] std::string value_axis(const Frame& frame, const Scale& y,
                                     const std::vector<double>& at, const NumberText& text);
/// The name under the frame.
[[nodiscard]] std::string axis_name(const Frame& frame, const std::string& name);

}  // namespace factorps::scheduler
