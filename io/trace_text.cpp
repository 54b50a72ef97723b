#include "io/trace_text.hpp"

#include <chrono>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace factorps {
namespace {

using Text = std::back_insert_iterator<std::string>;

std::int64_t nanoseconds(Clock::duration time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

/// Microseconds with all digits of the clock: sums of them are exact.
std::string microseconds(std::int64_t ns) {
  const bool negative = ns < 0;
  const std::int64_t size = negative ? -ns : ns;
  return fmt::format("{}{}.{:03}", negative ? "-" : "", size / 1000, size % 1000);
}

std::string arguments_of(const TraceEvent& event) {
  switch (event.kind) {
    case TraceKind::train_cell:
    case TraceKind::evaluate_cell:
      return fmt::format(R"("epoch":{},"strip":{},"block":{},"interactions":{})", event.epoch,
                         event.strip, event.block, event.amount);
    case TraceKind::send_block:
    case TraceKind::receive_block:
      return fmt::format(R"("epoch":{},"block":{},"bytes":{})", event.epoch, event.block,
                         event.amount);
    default:
      return fmt::format(R"("epoch":{})", event.epoch);
  }
}

void append_metadata(Text out, const char* kind, int node, int role, const std::string& name) {
  fmt::format_to(out, R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"name":{}}}}})", kind,
                 node, role, nlohmann::json(name).dump());
}

void append_complete(Text out, const TraceTrack& track, const TraceEvent& event,
                     const TraceClock& clock) {
  fmt::format_to(out,
                 R"({{"ph":"X","name":"{}","pid":{},"tid":{},"ts":{},"dur":{},"args":{{{}}}}})",
                 name_of(event.kind), track.node, track.role,
                 microseconds(nanoseconds(event.start - clock.start)),
                 microseconds(nanoseconds(event.end - event.start)), arguments_of(event));
}

/// @param number of the event in its track: begin and end find each other by it
void append_pair(Text out, const TraceTrack& track, const TraceEvent& event,
                 const TraceClock& clock, std::size_t number) {
  const auto half = [&](char phase, Clock::time_point time, const std::string& arguments) {
    fmt::format_to(
        out, R"({{"ph":"{}","cat":"blocks","name":"{}","id":"{}.{}","pid":{},"tid":{},"ts":{}{}}})",
        phase, name_of(event.kind), track.role, number, track.node, track.role,
        microseconds(nanoseconds(time - clock.start)), arguments);
  };
  half('b', event.start, fmt::format(R"(,"args":{{{}}})", arguments_of(event)));
  fmt::format_to(out, "{}", trace_separator());
  half('e', event.end, "");
}

}  // namespace

std::string trace_begin() { return "{\"traceEvents\":[\n"; }
std::string trace_separator() { return ",\n"; }

std::string trace_track(const TraceTrack& track, const TraceClock& clock) {
  std::string text;
  const Text out{text};
  append_metadata(out, "process_name", track.node, track.role, track.node_name);
  text += trace_separator();
  append_metadata(out, "thread_name", track.node, track.role, track.role_name);
  for (std::size_t n = 0; n < track.events.size(); ++n) {
    text += trace_separator();
    const TraceEvent& event = track.events[n];
    const bool crosses =
        event.kind == TraceKind::send_block || event.kind == TraceKind::receive_block;
    crosses ? append_pair(out, track, event, clock, n) : append_complete(out, track, event, clock);
  }
  return text;
}

std::string trace_end(const TraceClock& clock, std::uint64_t dropped) {
  return fmt::format(
      "\n],\"displayTimeUnit\":\"ms\",\"otherData\":{{\"clock_error_us\":{:.3f},"
      "\"dropped_events\":{}}}}}\n",
      clock.error_seconds * 1e6, dropped);
}

}  // namespace factorps
