/// What a role did and when: the newest events, for a picture of a job (io/trace_text.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/timer.hpp"

namespace factorps {

enum class TraceKind : std::uint8_t {
  // workers
  train_cell,
  evaluate_cell,
  solve_rows,
  index_rows,
  gram,
  rank_users,
  wait_turn,
  wait_block,
  // servers; these two may overlap
  send_block,
  receive_block,
  // the scheduler's passes
  train,
  evaluate,
  // commands, as the scheduler and as the servers see them
  initialise,
  save,
  load,
  export_model,
  pause,
};

/// For people.
[[nodiscard]] std::string_view name_of(TraceKind kind);

struct TraceEvent {
  Clock::time_point start;
  Clock::time_point end;
  TraceKind kind = TraceKind::train;
  std::uint32_t epoch = 0;   ///< being trained, or last trained
  std::uint32_t strip = 0;   ///< of a cell
  std::uint32_t block = 0;   ///< of a cell or of what crosses
  std::uint64_t amount = 0;  ///< interactions of a cell, bytes of what crosses
};

/// The events of one role, used by its thread alone. Takes 48 bytes per event and never more than
/// its capacity: the newest events stay.
class TraceRecorder {
 public:
  static constexpr std::size_t kEvents = 65536;

  explicit TraceRecorder(std::size_t capacity = kEvents);

  void add(const TraceEvent& event);
  /// Continues the last event if it is of the same kind and ended just before; else adds.
  void extend(const TraceEvent& event);

  /// Oldest first.
  [[nodiscard]] std::vector<TraceEvent> events() const;
  [[nodiscard]] std::uint64_t dropped() const noexcept { return added_ - events_.size(); }

 private:
  std::size_t capacity_;
  std::uint64_t added_ = 0;
  std::vector<TraceEvent> events_;  // event n of all lies in place n mod capacity
};

}  // namespace factorps
