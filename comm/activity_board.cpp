#include "comm/activity_board.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "comm/mpi_check.hpp"
#include "common/timer.hpp"
#include "common/waiter.hpp"

namespace factorps::comm {

struct ActivityBoard::Header {
  std::atomic<bool> spoken{false};
};

namespace {

constexpr std::size_t kHeader = 64;  // bytes before the rows

/// Nobody watches yet: so these collectives have a deadline of their own.
class Collectives {
 public:
  explicit Collectives(double timeout) : timeout_{timeout} {}

  void barrier() const {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
    complete(request);
  }
  void broadcast(std::span<char> bytes) const {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibcast(bytes.data(), to_count(bytes.size()), MPI_CHAR, 0, MPI_COMM_WORLD, &request),
          "MPI_Ibcast");
    complete(request);
  }

 private:
  void complete(MPI_Request request) const {
    Waiter waiter{timeout_};
    for (int done = 0;; waiter.pause("all ranks to start")) {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) return;
    }
  }

  double timeout_;
};

/// A name that no other job has, alike on every rank.
std::string name_of_job(const Collectives& collectives) {
  std::array<char, 64> name{};
  fmt::format_to_n(name.data(), name.size() - 1, "/factorps-{}-{:x}", ::getpid(),
                   Clock::now().time_since_epoch().count());
  collectives.broadcast(name);
  return name.data();
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

ActivityBoard::ActivityBoard(const Environment& environment, double timeout) {
  const auto& hosts = environment.hosts();
  const auto me = static_cast<std::size_t>(environment.rank());
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    if (hosts[r] == hosts[me]) ranks_.push_back(static_cast<int>(r));
  }
  own_ = static_cast<std::size_t>(std::ranges::find(ranks_, environment.rank()) - ranks_.begin());
  bytes_ = kHeader + ranks_.size() * sizeof(Activity);
  int file = -1;
  if (environment.launched()) {
    const Collectives collectives{timeout};
    const std::string name = fmt::format("{}-{}", name_of_job(collectives), ranks_.front());
    if (own_ == 0) file = create(name, bytes_);
    collectives.barrier();
    if (own_ != 0) file = ::shm_open(name.c_str(), O_RDWR, 0);
    collectives.barrier();
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
