#include "ps/rows/row_gate.hpp"

#include <algorithm>

namespace factorps::ps {
namespace {

bool closes(const std::atomic<std::uint64_t>& gate, std::uint64_t step, std::uint64_t begin) {
  const std::uint64_t at = gate.load(std::memory_order_seq_cst);
  return at > begin && step >= at;
}

}  // namespace

/// A worker enters, then looks at the hold; in hold() it is set, then the workers are looked at. So
/// either the worker sees the hold and steps back, or it is seen there and the hold moves on. Who
/// finds that the hold has ended finds the pause too, which was set before.
bool RowGate::try_enter(std::size_t worker, std::uint64_t step, std::uint64_t begin) const {
  entered(worker).store(step + 1, std::memory_order_seq_cst);
  if (!closes(held(), step, begin) && !closes(paused(), step, begin)) return true;
  entered(worker).store(step, std::memory_order_seq_cst);
  return false;
}

bool RowGate::pauses_before(std::uint64_t step, std::uint64_t begin) const {
  return closes(paused(), step, begin);
}

std::uint64_t RowGate::first_not_entered() const {
  std::uint64_t first = 0;
  for (std::size_t w = 0; w < workers_; ++w) {
    first = std::max(first, entered(w).load(std::memory_order_seq_cst));
  }
  return first;
}

std::uint64_t RowGate::hold(StepRange pass) const {
  while (true) {
    const std::uint64_t first = std::clamp(first_not_entered(), pass.begin, pass.end);
    std::uint64_t at = held().load(std::memory_order_seq_cst);
    if (at > pass.begin && at >= first) return at;
    // At least one step, or it would be none.
    held().compare_exchange_strong(at, std::max(first, pass.begin + 1), std::memory_order_seq_cst);
  }
}

void RowGate::pause(std::uint64_t step) const {
  paused().store(step, std::memory_order_seq_cst);
  held().store(0, std::memory_order_seq_cst);
}

}  // namespace factorps::ps
