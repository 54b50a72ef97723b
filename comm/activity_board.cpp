#include "comm/activity_board.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <string>
#include <string_view>
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

/// Nobody watches yet: so these collectives have a deadline of their own, and need no MpiTurn.
class Collectives {
 public:
  explicit Collectives(double timeout) : timeout_{timeout} {}

  void barrier() const {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
    complete(request);
  }
  /// @return those of all ranks [rank]
  template <class T>
  [[nodiscard]] std::vector<T> gather(const T& mine, int ranks) const {
    std::vector<T> all(static_cast<std::size_t>(ranks));
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallgather(&mine, to_count(sizeof mine), MPI_BYTE, all.data(), to_count(sizeof mine),
                         MPI_BYTE, MPI_COMM_WORLD, &request),
          "MPI_Iallgather");
    complete(request);
    return all;
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

/// Memory without a name in any file system, and where another process finds it.
struct Offer {
  std::array<char, 64> name{};  // of the memory; nothing else has it
  std::array<char, 64> path{};  // while the process has it open
};

/// @return memory, all zero; -1: there is none to be had
int create(std::size_t bytes, Offer& offer) {
  fmt::format_to_n(offer.name.data(), offer.name.size() - 1, "factorps-{}-{:x}", ::getpid(),
                   Clock::now().time_since_epoch().count());
  const int file = ::memfd_create(offer.name.data(), MFD_CLOEXEC);
  if (file < 0) return -1;
  fmt::format_to_n(offer.path.data(), offer.path.size() - 1, "/proc/{}/fd/{}", ::getpid(), file);
  // Memory that is only promised would end in SIGBUS at the first touch.
  if (::posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0) return file;
  ::close(file);
  return -1;
}

/// @return the same memory; -1: it cannot be found, as where each rank has processes of its own
int open(const Offer& offer) {
  std::array<char, 128> target{};
  if (::readlink(offer.path.data(), target.data(), target.size() - 1) < 0) return -1;
  const bool is_it =
      std::string_view{target.data()} == fmt::format("/memfd:{} (deleted)", offer.name.data());
  return is_it ? ::open(offer.path.data(), O_RDWR | O_CLOEXEC) : -1;
}

}  // namespace

ActivityBoard::ActivityBoard(const Environment& environment, double timeout) {
  const auto& hosts = environment.hosts();
  const auto me = static_cast<std::size_t>(environment.rank());
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    if (hosts[r] == hosts[me]) ranks_.push_back(static_cast<int>(r));
  }
  own_ = static_cast<std::size_t>(std::ranges::find(ranks_, environment.rank()) - ranks_.begin());
  bytes_ = kHeader + 2 * ranks_.size() * sizeof(Activity);
  int file = -1;
  if (environment.launched()) {
    const Collectives collectives{timeout};
    Offer mine;
    if (own_ == 0) file = create(bytes_, mine);
    const auto offers = collectives.gather(mine, environment.size());
    if (own_ != 0) file = open(offers[static_cast<std::size_t>(ranks_.front())]);
    collectives.barrier();  // until then it stays open
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
  for (std::size_t n = 0; n < ranks_.size(); ++n) {
    ActivitySeen beside = rows_[ranks_.size() + n].see(ranks_[n]);
    beside.beside = true;
    if (beside.lives) seen.push_back(std::move(beside));
  }
  return seen;
}

bool ActivityBoard::may_speak() noexcept {
  return !static_cast<Header*>(memory_)->spoken.exchange(true);
}

}  // namespace factorps::comm
