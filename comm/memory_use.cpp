#include "comm/memory_use.hpp"

#include <fstream>
#include <string>

#include <unistd.h>

namespace factorps::comm {

MemoryUse memory_use() {
  MemoryUse use;
  use.process = ::getpid();
  std::ifstream in{"/proc/self/smaps_rollup"};
  std::string word;
  while (in >> word) {
    const bool held = word == "Pss_Anon:" || word == "Pss_Shmem:";
    if (word != "Pss:" && !held) continue;
    std::uint64_t kib = 0;
    if (in >> kib) (held ? use.held : use.bytes) += kib * 1024;
  }
  return use;
}

MemoryUse MemoryMeter::use() {
  if (last_.process == 0 || since_last_.seconds() > 1) {
    last_ = memory_use();
    since_last_.restart();
  }
  return last_;
}

}  // namespace factorps::comm
