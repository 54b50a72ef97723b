#include "comm/borrowed_cores.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace factorps::comm {
namespace {

/// Where this thread may run; nothing if the machine has more cores than a set holds.
cpu_set_t allowed_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) CPU_ZERO(&cores);
  return cores;
}

/// The cores of all ranks of rank 0's machine. @param sets [rank]
cpu_set_t union_of(const std::vector<std::vector<std::byte>>& sets,
                   const std::vector<std::string>& hosts) {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (std::size_t rank = 0; rank < sets.size(); ++rank) {
    if (hosts[rank] != hosts.front()) continue;
    cpu_set_t cores;
    std::memcpy(&cores, sets[rank].data(), sizeof cores);
    CPU_OR(&all, &all, &cores);
  }
  return all;
}

/// Whether this thread may now run on every one of `cores`: a limit of the job may forbid some.
bool move_to(const cpu_set_t& cores) {
  if (::sched_setaffinity(0, sizeof cores, &cores) != 0) return false;
  const cpu_set_t now = allowed_cores();
  return CPU_EQUAL(&now, &cores) != 0;
}

}  // namespace

BorrowedCores::BorrowedCores(const Environment& environment) : before_{allowed_cores()} {
  if (environment.size() == 1) return;
  const auto sets = environment.gather(std::as_bytes(std::span{&before_, 1}));
  std::vector<std::byte> threads(sizeof threads_);
  if (environment.rank() == 0) {
    const auto& hosts = environment.hosts();
    const cpu_set_t all = union_of(sets, hosts);
    borrowed_ = move_to(all);
    const auto ranks = std::count(hosts.begin(), hosts.end(), hosts.front());
    if (borrowed_) {
      threads_ = static_cast<std::uint32_t>(
          std::clamp<std::ptrdiff_t>(ranks, 1, std::max(CPU_COUNT(&all), 1)));
    } else {
      static_cast<void>(move_to(before_));
    }
    std::memcpy(threads.data(), &threads_, sizeof threads_);
  }
  environment.broadcast(threads);
  std::memcpy(&threads_, threads.data(), sizeof threads_);
}

BorrowedCores::~BorrowedCores() {
  if (borrowed_) static_cast<void>(move_to(before_));
}

}  // namespace factorps::comm
