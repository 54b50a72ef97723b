#include "comm/mpi_turn.hpp"

#include <atomic>
#include <thread>

namespace factorps::comm {
namespace {

// Of the process, like MPI itself.
std::mutex turn;
std::atomic<bool> is_shared{false};

}  // namespace

MpiTurn::MpiTurn() : lock_{turn, std::defer_lock} {
  if (is_shared.load(std::memory_order_relaxed)) lock_.lock();
}

/// Who polls is out of MPI for moments only.
MpiTurn::MpiTurn(std::try_to_lock_t /*tag*/) : lock_{turn, std::defer_lock} {
  constexpr int kTries = 100;
  for (int n = 0; n < kTries && !lock_.try_lock(); ++n) std::this_thread::yield();
}

void MpiTurn::share(bool shared) noexcept { is_shared.store(shared, std::memory_order_relaxed); }

}  // namespace factorps::comm
