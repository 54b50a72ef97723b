#include "scheduler/report/chart.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "scheduler/report/svg.hpp"

namespace factorps::scheduler {
namespace {

constexpr Frame kFrame;
constexpr double kLeft = kFrame.left;
constexpr double kRight = kFrame.right;
constexpr double kTop = kFrame.top;
constexpr double kBottom = kFrame.bottom;

constexpr double kBarsWidth = 1070;
constexpr double kBarRight = kBarsWidth - 84;
constexpr double kBarStep = 26;
constexpr double kBarHeight = 18;

std::string epoch_axis(const Scale& x) {
  std::string out;
  for (const double epoch : ticks(x.low, x.high, 8)) {
    if (epoch < x.low || epoch > x.high || epoch != std::floor(epoch)) continue;
    out += label(x(epoch), kBottom + 16, "middle", fmt::format("{:.0f}", epoch));
  }
  return out + axis_name(kFrame, "epoch");
}

double sum_of(const StackedChart::Row& row) {
  return std::accumulate(row.values.begin(), row.values.end(), 0.0);
}

/// Left of the bars.
double room_for_names(const StackedChart& chart) {
  std::size_t longest = 0;
  for (const auto& row : chart.rows) longest = std::max(longest, row.name.size());
  constexpr double kCharacter = 7;
  return std::max(84.0, 20 + kCharacter * static_cast<double>(longest));
}

/// The marked point, with its text on the side where there is room.
std::string mark(const LineChart& chart, const Scale& x, const Scale& y) {
  if (chart.marked < 0) return {};
  const auto [epoch, value] = chart.points[static_cast<std::size_t>(chart.marked)];
  const bool right = x(epoch) > (kLeft + kRight) / 2;
  const bool low = y(value) > (kTop + kBottom) / 2;
  return fmt::format("<circle class=\"mark {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>\n",
                     chart.css_class, x(epoch), y(value)) +
         label(x(epoch) + (right ? 4 : -4), y(value) + (low ? -12 : 20), right ? "end" : "start",
               chart.mark);
}

std::string dots(const LineChart& chart, const Scale& x, const Scale& y, const NumberText& text) {
  std::string out;
  for (const auto& [epoch, value] : chart.points) {
    out += fmt::format(
        "<circle class=\"dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\">"
        "<title>{}</title></circle>\n",
        chart.css_class, x(epoch), y(value), chart.points.size() > 40 ? 1.2 : 2.2,
        escaped(fmt::format("epoch {:.0f}: {} {}", epoch, chart.name, text(value))));
  }
  return out;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<double> ticks(double low, double high, int count) {
  if (!(high - low > 1e-9 * std::abs(high))) {  // one value
    const double room = low == 0 ? 1 : std::abs(low) / 2;
    return ticks(low - (low > 0 ? room : 0), low + room, count);
  }
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double factor = rough / power;
  const double step = power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
  std::vector<double> at;
  const auto first = static_cast<std::int64_t>(std::floor(low / step + 1e-9));
  const auto last = static_cast<std::int64_t>(std::ceil(high / step - 1e-9));
  for (std::int64_t n = first; n <= last; ++n) at.push_back(static_cast<double>(n) * step);
  return at;
}

std::string line_chart(const LineChart& chart, const NumberText& text) {
  const auto value = [](const auto& point) { return point.second; };
  const auto [low, high] = std::ranges::minmax(chart.points, {}, value);
  const std::vector<double> at = ticks(low.second, high.second, 4);
  const Scale x{chart.points.front().first, chart.points.back().first, kLeft + 6, kRight - 6};
  const Scale y{at.front(), at.back(), kBottom, kTop};
  std::string body = value_axis(kFrame, y, at, text) + epoch_axis(x);
  body += fmt::format("<polyline class=\"{}\" points=\"", chart.css_class);
  for (const auto& [epoch, v] : chart.points) body += fmt::format("{:.1f},{:.1f} ", x(epoch), y(v));
  body.back() = '"';
  body += "/>\n" + dots(chart, x, y, text) + mark(chart, x, y);
  return svg(kFrame.width, kFrame.height, chart.name, body);
}

std::string column_chart(const StackedChart& chart, const NumberText& text) {
  double highest = 0;
  for (const auto& row : chart.rows) highest = std::max(highest, sum_of(row));
  const std::vector<double> at = ticks(0, highest, 4);
  const Scale y{0, at.back(), kBottom, kTop};
  const double step = (kRight - kLeft) / static_cast<double>(chart.rows.size());
  const double width = std::min(step * 0.8, 40.0);
  const std::size_t every = 1 + (chart.rows.size() - 1) / 12;
  std::string body = value_axis(kFrame, y, at, text);
  for (std::size_t r = 0; r < chart.rows.size(); ++r) {
    const auto& row = chart.rows[r];
    const double middle = kLeft + step * (static_cast<double>(r) + 0.5);
    double below = 0;
    for (std::size_t part = 0; part < row.values.size(); ++part) {
      const double top = below + row.values[part];
      body += rectangle(
          chart.css_classes[part], middle - width / 2, y(top), width, y(below) - y(top),
          fmt::format("epoch {}: {} {}", row.name, chart.parts[part], text(row.values[part])));
      below = top;
    }
    if (r % every == 0) body += label(middle, kBottom + 16, "middle", row.name);
  }
  body += axis_name(kFrame, "epoch");
  return svg(kFrame.width, kFrame.height, chart.name, body);
}

std::string bar_chart(const StackedChart& chart, const NumberText& text) {
  const double left = room_for_names(chart);
  std::string body;
  double y = 4;
  for (const auto& row : chart.rows) {
    const double sum = std::max(sum_of(row), 1e-12);
    body += label(left - 10, y + 13, "end", row.name);
    double x = left;
    for (std::size_t part = 0; part < row.values.size(); ++part) {
      const double share = row.values[part] / sum;
      const double width = share * (kBarRight - left);
      body += rectangle(chart.css_classes[part], x, y, width, kBarHeight,
                        fmt::format("{}: {} {} ({:.1f} %)", row.name, chart.parts[part],
                                    text(row.values[part]), 100 * share));
      if (width > 44) {
        body += fmt::format(
            "<text class=\"in {}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.1f} "
            "%</text>\n",
            chart.css_classes[part], x + width / 2, y + 13, 100 * share);
      }
      x += width;
    }
    body += label(kBarRight + 10, y + 13, "start", text(sum_of(row)));
    y += kBarStep;
  }
  return svg(kBarsWidth, y, chart.name, body);
}

std::string legend(const StackedChart& chart) {
  std::string out = "<p class=\"legend\">";
  for (std::size_t part = 0; part < chart.parts.size(); ++part) {
    out += fmt::format("<span><i class=\"{}\"></i>{}</span>", chart.css_classes[part],
                       escaped(chart.parts[part]));
  }
  return out + "</p>\n";
}

}  // namespace factorps::scheduler
