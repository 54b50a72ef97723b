/// Strips that change nodes between epochs, after measured speeds (cluster.rebalance).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "comm/environment.hpp"
#include "comm/messages.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "ps/layout.hpp"

namespace factorps::apps {

/// Rank 0 measures and decides; all ranks follow. Does nothing on a single node.
class Rebalance {
 public:
  /// @param layout of the job; must outlive the object, which changes it in agree()
  Rebalance(const Config& config, const Dataset& dataset, ps::JobLayout& layout);

  /// Takes in the training pass of an epoch. Rank 0 only.
  /// @return why the strips should be placed anew; empty: they should not
  [[nodiscard]] std::string after_epoch(std::span<const comm::WorkerDone> workers);
  /// Collective, after the roles have stopped: puts the speeds that rank 0 decided on into the
  /// layout. @return whether it did; else the job is over
  [[nodiscard]] bool agree(const comm::Environment& environment);

 private:
  ps::JobLayout& layout_;
  std::int64_t every_;                   // epochs; 0: never
  std::vector<std::uint64_t> strips_;    // [strip] interactions
  std::int64_t epochs_ = 0;              // since the strips were last looked at
  std::vector<comm::WorkerDone> sums_;   // [worker] of these epochs
  std::vector<std::uint64_t> decision_;  // [node] speeds; empty: strips stay
};

}  // namespace factorps::apps
