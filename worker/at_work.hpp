/// What a worker does where it begins and ends a piece of work, whatever the work is.
#pragma once

#include "common/activity.hpp"
#include "common/faults.hpp"

namespace factorps::worker {

/// Shows for a while what the worker holds; here a fault may meet it.
class AtWork {
 public:
  explicit AtWork(const Holding& holding) {
    if (Activity* const mine = activity()) mine->hold(holding);
    pass_cell(holding.epoch);
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() {
    if (Activity* const mine = activity()) mine->hold({});
  }
};

}  // namespace factorps::worker
