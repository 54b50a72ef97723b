/// What a worker does in passes: cells in their turns, or pieces in any order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "comm/messages.hpp"
#include "common/trace.hpp"

namespace factorps::worker {

/// A piece of a pass, done.
struct Piece {
  TraceKind kind = TraceKind::train_cell;
  std::uint32_t strip = 0;
  std::uint32_t block = 0;
  std::uint64_t interactions = 0;
};

/// One worker's view of the work of its node.
class Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  virtual void begin(const comm::StartPass& pass) = 0;
  /// Does one piece if one is ready that no other worker has.
  [[nodiscard]] virtual std::optional<Piece> try_piece() = 0;
  /// Whether all pieces of the node are done.
  [[nodiscard]] virtual bool finished() const = 0;
  /// Whether the last try_piece() found something that waits for another node.
  [[nodiscard]] virtual bool starved() const { return false; }
  /// Why try_piece() found nothing, for people.
  [[nodiscard]] virtual std::string waits_for() const { return "pieces that other workers have"; }
  /// Rows pulled and pushed since begin().
  [[nodiscard]] virtual comm::RowTraffic traffic() const { return {}; }
};

}  // namespace factorps::worker
