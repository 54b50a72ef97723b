#include "scheduler/report/scatter_chart.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "common/check.hpp"
#include "scheduler/report/svg.hpp"

namespace factorps::scheduler {
namespace {

constexpr Frame kFrame{520, 320, 64, 520 - 60, 14, 320 - 36};

using Curve = std::vector<std::pair<double, double>>;

std::string broken_line(const std::string& css_class, const Curve& curve, const Scale& x,
                        const Scale& y) {
  if (curve.size() < 2) return {};
  std::string points;
  for (const auto& [at, value] : curve) points += fmt::format("{:.1f},{:.1f} ", x(at), y(value));
  points.pop_back();
  return fmt::format("<polyline class=\"broken {}\" points=\"{}\"/>\n", css_class, points);
}

/// @param left of it stands its name
std::string mark(const ScatterChart& chart, const ScatterChart::Series& series,
                 const ScatterChart::Point& p, bool left, const Scale& x, const Scale& y,
                 const NumberText& text) {
  const std::string title = fmt::format("{} {}: {} {} ({} to {})", series.name, p.name, chart.name,
                                        text(p.y), text(p.low), text(p.high));
  return fmt::format(
             "<line class=\"interval {0}\" x1=\"{1:.1f}\" y1=\"{2:.1f}\" x2=\"{1:.1f}\" "
             "y2=\"{3:.1f}\"/>\n<circle class=\"{4} {0}\" cx=\"{1:.1f}\" cy=\"{5:.1f}\" r=\"4\">"
             "<title>{6}</title></circle>\n",
             series.css_class, x(p.x), y(p.low), y(p.high), p.hollow ? "mark" : "dot", y(p.y),
             escaped(title)) +
         label(x(p.x) + (left ? -7 : 7), y(p.y) - 6, left ? "end" : "start", p.name);
}

double highest_of(const ScatterChart& chart) {
  double highest = 1;
  for (const auto& series : chart.series) {
    for (const auto& p : series.points) highest = std::max({highest, p.y, p.high});
  }
  for (const auto& [x, y] : chart.ideal) highest = std::max(highest, y);
  return highest;
}

double farthest_of(const ScatterChart& chart) {
  double farthest = 1;
  for (const auto& series : chart.series) {
    for (const auto& p : series.points) farthest = std::max(farthest, p.x);
  }
  return farthest;
}

/// Whole numbers under the axis.
std::string number_axis(const Scale& x) {
  std::string out;
  for (const double value : ticks(0, x.high, 8)) {
    if (value > x.high || value != static_cast<double>(static_cast<long>(value))) continue;
    out += label(x(value), kFrame.bottom + 16, "middle", fmt::format("{:.0f}", value));
  }
  return out;
}

constexpr const char* kFileStyle =
    "text{font:12px 'DejaVu Sans','Liberation Sans',sans-serif;fill:#4a545e}"
    ".title{font-size:15px;font-weight:bold;fill:#1d2329}"
    ".grid{stroke:#e1e5e9}polyline{fill:none;stroke-width:2}.broken{stroke-dasharray:5 4}"
    ".ideal{stroke:#97a2ad;stroke-width:1.5}"
    ".a{stroke:#2f6690;fill:#2f6690}.b{stroke:#d9972b;fill:#d9972b}.c{stroke:#a63d40;fill:#a63d40}"
    ".d{stroke:#2f7d4f;fill:#2f7d4f}.e{stroke:#7a5c99;fill:#7a5c99}"
    "rect{stroke:none}polyline.a,polyline.b,polyline.c,polyline.d,polyline.e{fill:none}"
    ".interval{stroke-width:1.5}.mark{fill:#fff;stroke-width:2}"
    "text.in{fill:#fff;stroke:none}.paper{fill:#fff}";

}  // namespace

std::string scatter_chart(const ScatterChart& chart, const NumberText& text) {
  const std::vector<double> at = ticks(0, highest_of(chart), 5);
  const Scale x{0, farthest_of(chart), kFrame.left + 6, kFrame.right - 6};
  const Scale y{at.front(), at.back(), kFrame.bottom, kFrame.top};
  std::string body = value_axis(kFrame, y, at, text) + number_axis(x) +
                     axis_name(kFrame, chart.x_name) + broken_line("ideal", chart.ideal, x, y);
  for (const auto& series : chart.series) {
    body += broken_line(series.css_class, series.curve, x, y);
    bool left = true;
    for (std::size_t k = 0; k < series.points.size(); ++k) {  // names of neighbours on both sides
      left = k > 0 && series.points[k].x == series.points[k - 1].x && !left;
      body += mark(chart, series, series.points[k], left, x, y, text);
    }
  }
  return svg(kFrame.width, kFrame.height, chart.name, body);
}

std::string svg_file(const std::string& chart, const std::string& title,
                     const std::vector<std::string>& notes, const Legend& legend) {
  int width = 0;
  int height = 0;
  const int read = std::sscanf(chart.c_str(), "<svg viewBox=\"0 0 %d %d\"", &width, &height);
  FACTORPS_CHECK(read == 2);
  constexpr int kLine = 18;
  std::string head =
      fmt::format("<text class=\"title\" x=\"14\" y=\"24\">{}</text>\n", escaped(title));
  int y = 26;
  for (const std::string& note : notes) head += label(14, y += kLine, "start", note);
  double x = 14;
  y += legend.empty() ? 0 : kLine;
  for (const auto& [css_class, name] : legend) {
    head += rectangle(css_class, x, y - 10, 11, 11, name) + label(x + 17, y, "start", name);
    x += 40 + 7 * static_cast<double>(name.size());
  }
  const int top = y + 10;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\">\n<style>{2}</style>\n<rect class=\"paper\" width=\"{0}\" height=\"{1}\"/>\n{3}"
      "<svg y=\"{4}\" width=\"{0}\" height=\"{5}\"{6}</svg>\n",
      width, top + height, kFileStyle, head, top, height, chart.substr(4));
}

}  // namespace factorps::scheduler
