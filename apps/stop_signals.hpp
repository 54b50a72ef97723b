/// Signals that ask a training to end with a checkpoint.
#pragma once

#include <utility>
#include <vector>

namespace factorps::apps {

/// Notes SIGUSR1 from now on, for the first StopSignals: a job that is about to start must not die
/// of what means "checkpoint and stop".
void note_early_stop();

/// Notes SIGUSR1 and SIGTERM while it lives. Every rank does, or the signal would end the others.
/// Ctrl-C too when there is one process: among several it is the launcher's. A second Ctrl-C ends
/// the process at once.
class StopSignals {
 public:
  explicit StopSignals(bool alone);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();
  [[nodiscard]] static bool requested();

 private:
  using Handler = void (*)(int);

  void note(int signal);

  std::vector<std::pair<int, Handler>> before_;
};

}  // namespace factorps::apps
