#include "model/context.hpp"

#include <array>
#include <chrono>

#include "common/check.hpp"

namespace factorps {
namespace {

constexpr std::array kKinds{ContextKind::weekday, ContextKind::month, ContextKind::hour};
constexpr std::array<std::string_view, 7> kWeekdays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 24> kHours{"0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",
                                                  "8",  "9",  "10", "11", "12", "13", "14", "15",
                                                  "16", "17", "18", "19", "20", "21", "22", "23"};

}  // namespace

std::optional<ContextKind> context_from(std::string_view name) noexcept {
  for (const ContextKind kind : kKinds) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

const char* name_of(ContextKind kind) noexcept {
  if (kind == ContextKind::weekday) return "weekday";
  return kind == ContextKind::month ? "month" : "hour";
}

std::size_t size_of(ContextKind kind) noexcept {
  if (kind == ContextKind::weekday) return kWeekdays.size();
  return kind == ContextKind::month ? kMonths.size() : kHours.size();
}

std::uint32_t context_value(ContextKind kind, std::int64_t time) noexcept {
  constexpr std::int64_t kDay = 86400;
  const std::int64_t second = (time % kDay + kDay) % kDay;
  if (kind == ContextKind::hour) return static_cast<std::uint32_t>(second / 3600);
  const std::int64_t day =
      time / kDay - (time % kDay < 0 ? 1 : 0);  // since 1970-01-01, rounded down
  constexpr std::int64_t kWeek = 7;
  constexpr std::int64_t kThursday = 3;  // that was a Thursday
  if (kind == ContextKind::weekday)
    return static_cast<std::uint32_t>(((day + kThursday) % kWeek + kWeek) % kWeek);
  // The calendar repeats after 400 years; days beyond it would leave what <chrono> has.
  constexpr std::int64_t kEra = 146097;
  const std::chrono::sys_days date{std::chrono::days{(day % kEra + kEra) % kEra}};
  return static_cast<unsigned>(std::chrono::year_month_day{date}.month()) - 1;
}

std::string_view context_text(ContextKind kind, std::uint32_t value) {
  FACTORPS_CHECK(value < size_of(kind));
  if (kind == ContextKind::weekday) return kWeekdays[value];
  return kind == ContextKind::month ? kMonths[value] : kHours[value];
}

}  // namespace factorps
