/// The end of a process that gets stuck in a call that knows no deadline.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace factorps {

/// If it still lives after so many seconds, the process says why and ends with
/// ExitCode::resources.
class Deadline {
 public:
  /// @param what is waited for
  Deadline(double seconds, std::string what);

 private:
  std::mutex mutex_;
  std::condition_variable_any over_;
  std::jthread thread_;  // last: it uses the others, and ends first
};

}  // namespace factorps
