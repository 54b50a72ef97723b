#include "io/trace_text.hpp"

#include <chrono>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace factorps {
namespace {

using nlohmann::json;
using std::chrono::nanoseconds;

Clock::time_point at(std::int64_t ns) { return Clock::time_point{nanoseconds{ns}}; }

/// The events of a file with one track.
json events_of(std::vector<TraceEvent> events) {
  const TraceClock clock{at(1'000'000), 25e-6};
  const TraceTrack track{2, "node 2 (a\"b)", 7, "worker 3 (rank 6)", 4, std::move(events)};
  const json file =
      json::parse(trace_begin() + trace_track(track, clock) + trace_end(clock, track.dropped));
  EXPECT_EQ(file["otherData"], (json{{"clock_error_us", 25.0}, {"dropped_events", 4}}));
  const json& all = file["traceEvents"];
  EXPECT_EQ(all[0], (json{{"ph", "M"},
                          {"name", "process_name"},
                          {"pid", 2},
                          {"tid", 7},
                          {"args", {{"name", "node 2 (a\"b)"}}}}));
  EXPECT_EQ(all[1]["args"]["name"], "worker 3 (rank 6)");
  return {all.begin() + 2, all.end()};
}

TEST(TraceText, TellsOfACellEverything) {
  const json events =
      events_of({{at(1'001'234), at(1'003'235), TraceKind::train_cell, 5, 6, 7, 8}});
  EXPECT_EQ(
      events,
      json::array({{{"ph", "X"},
                    {"name", "cell"},
                    {"pid", 2},
                    {"tid", 7},
                    {"ts", 1.234},
                    {"dur", 2.001},
                    {"args", {{"epoch", 5}, {"strip", 6}, {"block", 7}, {"interactions", 8}}}}}));
}

TEST(TraceText, TellsOfACrossingByAPair) {
  const json events =
      events_of({{at(999'999), at(2'000'000), TraceKind::send_block, 5, 0, 7, 8000},
                 {at(1'000'000), at(3'000'000), TraceKind::send_block, 5, 0, 8, 8000}});
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0]["ph"], "b");
  EXPECT_EQ(events[0]["ts"], -0.001);
  EXPECT_EQ(events[0]["args"], (json{{"epoch", 5}, {"block", 7}, {"bytes", 8000}}));
  EXPECT_EQ(events[1]["ph"], "e");
  EXPECT_EQ(events[1]["ts"], 1000.0);
  EXPECT_EQ(events[0]["id"], events[1]["id"]);
  EXPECT_NE(events[0]["id"], events[2]["id"]);
}

TEST(TraceText, JoinsTracks) {
  const TraceTrack track{0, "node 0", 1, "server 0", 0, {{at(0), at(1), TraceKind::save}}};
  const json file = json::parse(trace_begin() + trace_track(track, {}) + trace_separator() +
                                trace_track(track, {}) + trace_end({}, 0));
  EXPECT_EQ(file["traceEvents"].size(), 6U);
}

}  // namespace
}  // namespace factorps
