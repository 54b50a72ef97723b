#include "io/text/date_time.hpp"

#include <chrono>
#include <cmath>

#include "io/text/number.hpp"

namespace factorps {
namespace {

/// Reads fixed-width fields from the front of a text; every step says whether it succeeded.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_{text} {}

  bool number(std::size_t digits, int& value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  bool any_of(std::string_view set) {
    if (rest_.empty() || set.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_fraction() {
    if (!any_of(".,")) return;
    while (any_of("0123456789")) {
    }
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] char front() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  std::string_view rest_;
};

/// Seconds east of UTC; nothing if the zone is malformed.
std::optional<int> zone(Scanner& scan) {
  if (scan.done() || scan.any_of("Zz")) return 0;
  const int sign = scan.front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!scan.any_of("+-") || !scan.number(2, hours)) return std::nullopt;
  if (!scan.done() && (scan.any_of(":"), !scan.number(2, minutes))) return std::nullopt;
  if (hours > 23 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

std::optional<std::int64_t> parse_iso(std::string_view text) noexcept {
  Scanner scan{text};
  int year = 0;
  int month = 0;
  int day = 0;
  if (!scan.number(4, year) || !scan.any_of("-") || !scan.number(2, month) || !scan.any_of("-") ||
      !scan.number(2, day)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t midnight =
      std::chrono::sys_seconds{std::chrono::sys_days{date}}.time_since_epoch().count();
  if (scan.done()) return midnight;

  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!scan.any_of("Tt ") || !scan.number(2, hour) || !scan.any_of(":") ||
      !scan.number(2, minute)) {
    return std::nullopt;
  }
  if (scan.any_of(":") && !scan.number(2, second)) return std::nullopt;
  scan.skip_fraction();
  const auto east = zone(scan);
  if (!east || !scan.done() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return midnight + std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second - *east;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) noexcept {
  if (const auto seconds = canonical_integer(text)) return seconds;
  if (const auto iso = parse_iso(text)) return iso;
  const auto seconds = finite_double(text);
  if (!seconds || std::abs(*seconds) > 0x1p62) return std::nullopt;
  return static_cast<std::int64_t>(std::floor(*seconds));
}

}  // namespace factorps
