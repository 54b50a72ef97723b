#include "scheduler/report/svg.hpp"

#include <fmt/format.h>

namespace factorps::scheduler {

std::string svg(double width, double height, const std::string& name, const std::string& body) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n", width,
      height, escaped(name), body);
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(text));
}

std::string rectangle(const std::string& css_class, double x, double y, double width, double height,
                      const std::string& title) {
  return fmt::format(
      "<rect class=\"{}\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\">"
      "<title>{}</title></rect>\n",
      css_class, x, y, width, height, escaped(title));
}

std::string value_axis(const Frame& frame, const Scale& y, const std::vector<double>& at,
                       const NumberText& text) {
  std::string out;
  for (const double value : at) {
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{2:.1f}\" x2=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n",
        frame.left, frame.right, y(value));
    out += label(frame.left - 8, y(value) + 4, "end", text(value));
  }
  return out;
}

std::string axis_name(const Frame& frame, const std::string& name) {
  return label((frame.left + frame.right) / 2, frame.height - 4, "middle", name);
}

}  // namespace factorps::scheduler
