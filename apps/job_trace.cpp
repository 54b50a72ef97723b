#include "apps/job_trace.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "apps/text_output.hpp"
#include "common/error.hpp"
#include "io/files.hpp"
#include "io/trace_text.hpp"

namespace factorps::apps {
namespace {

/// Goes before the events of a role.
struct TrackHeader {
  std::int64_t role = 0;
  std::uint64_t events = 0;
  std::uint64_t dropped = 0;
  double clock_error = 0;  // seconds
};

template <class T>
void append(std::vector<std::byte>& bytes, std::span<const T> values) {
  const auto raw = std::as_bytes(values);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

/// Takes values off the front.
template <class T>
void take(std::span<const std::byte>& bytes, std::span<T> values) {
  if (bytes.size() < values.size_bytes()) throw ProtocolError{"trace: cut off"};
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size_bytes());
  bytes = bytes.subspan(values.size_bytes());
}

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(Seconds{seconds});
}

/// Clocks drift apart: what was measured at the start and at the end holds there, and a straight
/// line between.
class ToClockOfRankZero {
 public:
  ToClockOfRankZero(Clock::time_point start, comm::ClockOffset at_start, Clock::time_point end,
                    comm::ClockOffset at_end)
      : start_{start},
        first_{at_start.seconds},
        slope_{(at_end.seconds - first_) / std::max(1e-9, Seconds{end - start}.count())} {}

  [[nodiscard]] Clock::time_point operator()(Clock::time_point time) const {
    return time - duration_of(first_ + slope_ * Seconds{time - start_}.count());
  }

 private:
  Clock::time_point start_;
  double first_;
  double slope_;
};

std::string name_of_role(const ps::JobLayout& layout, comm::RoleId role) {
  const int rank = layout.rank_of_role.at(static_cast<std::size_t>(role));
  if (role == 0) return fmt::format("scheduler (rank {})", rank);
  if (role <= layout.servers) return fmt::format("server {} (rank {})", role - 1, rank);
  return fmt::format("worker {} (rank {})", role - 1 - layout.servers, rank);
}

}  // namespace

JobTrace::JobTrace(std::filesystem::path file, std::filesystem::path run,
                   const comm::Environment& environment, ps::JobLayout layout)
    : file_{std::move(file)},
      run_{std::move(run)},
      environment_{environment},
      layout_{std::move(layout)} {
  if (environment.rank() == 0) {
    make_directories(run_);  // the file may be there
    refuse_files_of_run(file_, run_);
    const TextOutput attempt{file_};
  }
  environment.barrier();
  start_ = Clock::now();
  at_start_ = clock_offset(environment);
}

std::vector<std::byte> JobTrace::own_events() const {
  const comm::ClockOffset at_end = clock_offset(environment_);
  const ToClockOfRankZero aligned{start_, at_start_, Clock::now(), at_end};
  std::vector<std::byte> bytes;
  for (const auto& [role, recorder] : recorders_) {
    auto events = recorder.events();
    for (TraceEvent& event : events) {
      event.start = aligned(event.start);
      event.end = aligned(event.end);
    }
    const TrackHeader header{role, events.size(), recorder.dropped(),
                             std::max(at_start_.error_seconds, at_end.error_seconds)};
    append(bytes, std::span{&header, 1});
    append(bytes, std::span{std::as_const(events)});
  }
  return bytes;
}

void JobTrace::write() const {
  environment_.barrier();
  const auto all = environment_.gather(own_events());
  if (environment_.rank() == 0) write(all);
}

void JobTrace::write(std::span<const std::vector<std::byte>> events_of_ranks) const {
  refuse_files_of_run(file_, run_);
  TextOutput out{file_};
  TraceClock clock{start_, 0};
  std::uint64_t dropped = 0;
  std::string separator = trace_begin();
  for (std::size_t rank = 0; rank < events_of_ranks.size(); ++rank) {
    for (std::span<const std::byte> bytes{events_of_ranks[rank]}; !bytes.empty();) {
      TrackHeader header;
      take(bytes, std::span{&header, 1});
      const auto role = static_cast<comm::RoleId>(header.role);
      const int node = layout_.node_of_role.at(static_cast<std::size_t>(role));
      TraceTrack track{
          node,           fmt::format("node {} ({})", node, environment_.hosts()[rank]),
          role,           name_of_role(layout_, role),
          header.dropped, std::vector<TraceEvent>(header.events)};
      take(bytes, std::span{track.events});
      out.write(separator + trace_track(track, clock));
      separator = trace_separator();
      dropped += header.dropped;
      clock.error_seconds = std::max(clock.error_seconds, 2 * header.clock_error);
    }
  }
  out.write(trace_end(clock, dropped));
  out.commit();
}

}  // namespace factorps::apps
