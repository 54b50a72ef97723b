#include "scheduler/report/html.hpp"

#include <fmt/format.h>

#include "scheduler/report/chart.hpp"
#include "scheduler/report/style.hpp"

namespace factorps::scheduler {

std::string card(const std::string& title, const std::string& note, const std::string& body) {
  return fmt::format("<section class=\"card\"><h2>{}</h2><p class=\"note\">{}</p>\n{}</section>\n",
                     escaped(title), escaped(note), body);
}

std::string tile(const std::string& name, const std::string& value) {
  return fmt::format("<div class=\"card\"><b>{}</b><span>{}</span></div>\n", escaped(value),
                     escaped(name));
}

std::string pair(const std::string& cards) { return "<div class=\"pair\">\n" + cards + "</div>\n"; }

std::string folded(const std::string& name, const std::string& text) {
  return fmt::format("<details><summary>{}</summary><pre>{}</pre></details>\n", escaped(name),
                     escaped(text));
}

std::string document(const std::string& title, const std::string& body) {
  return fmt::format(
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<title>{} - factorps</title>\n<style>{}</style></head>\n<body><main>\n",
             escaped(title), kReportStyle) +
         body + "</main></body></html>\n";
}

}  // namespace factorps::scheduler
