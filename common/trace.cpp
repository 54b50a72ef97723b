#include "common/trace.hpp"

#include <array>
#include <chrono>

#include "common/check.hpp"

namespace factorps {
namespace {

// An attempt in vain to get a cell takes less, unless the thread loses its core meanwhile.
constexpr std::chrono::microseconds kAttempt{100};

}  // namespace

std::string_view name_of(TraceKind kind) {
  constexpr std::array<std::string_view, 17> names{
      "cell",         "evaluate cell", "solve rows",    "list interactions",
      "sum products", "rank users",    "wait for turn", "wait for block",
      "send block",   "receive block", "train",         "evaluate",
      "initialise",   "save",          "load",          "export model",
      "pause"};
  return names.at(static_cast<std::size_t>(kind));
}

TraceRecorder::TraceRecorder(std::size_t capacity) : capacity_{capacity} {
  FACTORPS_CHECK(capacity > 0);
  events_.reserve(capacity);  // pages that are never touched take no memory
}

void TraceRecorder::add(const TraceEvent& event) {
  if (events_.size() < capacity_) {
    events_.push_back(event);
  } else {
    events_[added_ % capacity_] = event;
  }
  ++added_;
}

void TraceRecorder::extend(const TraceEvent& event) {
  if (added_ > 0) {
    TraceEvent& last = events_[(added_ - 1) % capacity_];
    if (last.kind == event.kind && event.start - last.end < kAttempt) {
      last.end = event.end;
      return;
    }
  }
  add(event);
}

std::vector<TraceEvent> TraceRecorder::events() const {
  std::vector<TraceEvent> ordered;
  ordered.reserve(events_.size());
  for (std::uint64_t n = dropped(); n < added_; ++n) ordered.push_back(events_[n % capacity_]);
  return ordered;
}

}  // namespace factorps
