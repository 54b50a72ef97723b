/// How much memory this process takes from its node.
#pragma once

#include "comm/messages.hpp"
#include "common/timer.hpp"

namespace factorps::comm {

/// From the kernel's page tables (/proc). Both numbers are 0 where that does not exist, `held` also
/// before Linux 5.3.
[[nodiscard]] MemoryUse memory_use();

/// The same for whoever asks often: looks at the page tables once a second at most, because that
/// takes milliseconds for large tables.
class MemoryMeter {
 public:
  [[nodiscard]] MemoryUse use();

 private:
  MemoryUse last_;
  Stopwatch since_last_;
};

}  // namespace factorps::comm
