/// Which of two threads of a process is in MPI, for the sources of comm/ only.
#pragma once

#include <mutex>

namespace factorps::comm {

/// While it lives the calling thread has MPI for itself (MPI_THREAD_SERIALIZED). Costs nothing
/// while only the main thread calls MPI: share() says when not.
class MpiTurn {
 public:
  /// By the main thread: waits until the other one is out.
  MpiTurn();
  /// By the other thread, which must not wait as long as the main thread may be in a call: tries a
  /// few times. held() says whether it worked.
  explicit MpiTurn(std::try_to_lock_t /*tag*/);

  [[nodiscard]] bool held() const noexcept { return lock_.owns_lock(); }
  /// Whether there is another thread. By the main thread, outside of MPI.
  static void share(bool shared) noexcept;

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace factorps::comm
