#include "comm/activity_board.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/timer.hpp"

namespace factorps::comm {

struct ActivityBoard::Header {
  std::atomic<bool> spoken{false};
};

namespace {

constexpr std::size_t kHeader = 64;  // bytes before the rows

/// A name that no other job has, alike on every rank.
std::string name_of_job(const Environment& environment) {
  const std::string name =
      fmt::format("/factorps-{}-{:x}", ::getpid(), Clock::now().time_since_epoch().count());
  std::vector<std::byte> bytes(name.size());
  std::memcpy(bytes.data(), name.data(), name.size());
  environment.broadcast(bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// @return a file of shared memory, all zero; -1: there is none to be had
int create(const std::string& name, std::size_t bytes) {
  const int file = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  // Memory that is only promised would end in SIGBUS at the first touch.
  if (file >= 0 && ::posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0) return file;
  if (file >= 0) ::close(file);
  return -1;
}

}  // namespace

ActivityBoard::ActivityBoard(const Environment& environment) {
  const auto& hosts = environment.hosts();
  const auto me = static_cast<std::size_t>(environment.rank());
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    if (hosts[r] == hosts[me]) ranks_.push_back(static_cast<int>(r));
  }
  own_ = static_cast<std::size_t>(std::ranges::find(ranks_, environment.rank()) - ranks_.begin());
  bytes_ = kHeader + ranks_.size() * sizeof(Activity);
  int file = -1;
  if (environment.launched()) {
    const std::string name = fmt::format("{}-{}", name_of_job(environment), ranks_.front());
    if (own_ == 0) file = create(name, bytes_);
    environment.barrier();
    if (own_ != 0) file = ::shm_open(name.c_str(), O_RDWR, 0);
    environment.barrier();
    if (own_ == 0) ::shm_unlink(name.c_str());
  }
  const int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, file, 0);
  if (file >= 0) ::close(file);
  if (memory_ == MAP_FAILED) throw std::bad_alloc{};
  // All-zero memory is a board on which nothing is written yet.
  rows_ = reinterpret_cast<Activity*>(static_cast<std::byte*>(memory_) + kHeader);
}

ActivityBoard::~ActivityBoard() { ::munmap(memory_, bytes_); }

std::vector<ActivitySeen> ActivityBoard::see() const {
  std::vector<ActivitySeen> seen;
  for (std::size_t n = 0; n < ranks_.size(); ++n) seen.push_back(rows_[n].see(ranks_[n]));
  return seen;
}

bool ActivityBoard::may_speak() noexcept {
  return !static_cast<Header*>(memory_)->spoken.exchange(true);
}

}  // namespace factorps::comm
