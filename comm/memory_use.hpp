/// How much memory this process takes from its node.
#pragma once

#include "comm/messages.hpp"

namespace factorps::comm {

/// From the kernel's page tables (/proc); bytes is 0 where that does not exist.
[[nodiscard]] MemoryUse memory_use();

}  // namespace factorps::comm
