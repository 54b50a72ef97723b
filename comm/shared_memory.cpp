#include "comm/shared_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "comm/agreement.hpp"
#include "comm/mpi_check.hpp"
#include "comm/mpi_turn.hpp"
#include "common/activity.hpp"
#include "common/error.hpp"

namespace factorps::comm {
namespace {

constexpr const char* kMount = "/dev/shm";  // where Open MPI backs its windows
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// What is wrong with this machine's mount; empty: nothing.
std::string shortage(const Environment& environment, std::size_t bytes) {
  struct statvfs info {};
  if (::statvfs(kMount, &info) != 0) return {};
  const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (free >= bytes) return {};
  const auto& hosts = environment.hosts();
  const bool one_host = std::ranges::count(hosts, hosts.front()) == environment.size();
  const std::string& host = hosts[static_cast<std::size_t>(environment.rank())];
  return fmt::format(
      "{}{}: the tables need {} bytes of shared memory, {} are free, {} are missing; mount it "
      "larger or use fewer dimensions",
      kMount, one_host ? "" : " of " + host, bytes, free, bytes - free);
}

/// A window larger than the mount would be granted and end in SIGBUS at the first touch. Every rank
/// decides alike, and says what the first rank without room has found.
void require_room(const Environment& environment, std::size_t bytes) {
  const std::string problem = first_problem(environment, shortage(environment, bytes));
  if (!problem.empty()) throw ResourceError{problem};
}

}  // namespace

struct SharedMemory::Impl {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Win window = MPI_WIN_NULL;
  void* mapping = MAP_FAILED;
  std::size_t mapped = 0;

  ~Impl() {
    if (mapping != MAP_FAILED) ::munmap(mapping, mapped);
    if (std::uncaught_exceptions() > 0) return;
    const Waiting waiting{"the ranks of its node in MPI_Win_free"};
    const MpiTurn turn;
    if (window != MPI_WIN_NULL) MPI_Win_free(&window);
    if (node != MPI_COMM_NULL) MPI_Comm_free(&node);
  }

  /// Open MPI gives a lone rank memory of its heap, which is not zeroed.
  std::byte* map_alone(std::size_t size) {
    mapped = size;
    mapping = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc{};
    // A wish, for rows at random places; small pages do as well.
    if (size >= 4 * kHugePage) ::madvise(mapping, size, MADV_HUGEPAGE);
    return static_cast<std::byte*>(mapping);
  }

  std::byte* map_window(std::size_t size) {
    const MpiTurn turn;
    int rank = 0;
    check(MPI_Comm_rank(node, &rank), "MPI_Comm_rank");
    void* base = nullptr;
    const Waiting waiting{"the ranks of its node in MPI_Win_allocate_shared"};
    const MPI_Aint mine = rank == 0 ? static_cast<MPI_Aint>(size + kPage) : 0;
    check(MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, node, &base, &window),
          "MPI_Win_allocate_shared");
    MPI_Aint found = 0;
    int unit = 0;
    check(MPI_Win_shared_query(window, 0, &found, &unit, &base), "MPI_Win_shared_query");
    const auto address = reinterpret_cast<std::uintptr_t>(base);
    // The segment starts at the same offset in its page on every rank.
    return static_cast<std::byte*>(base) + (kPage - address % kPage) % kPage;
  }
};

SharedMemory::SharedMemory(const Environment& environment, int node, int ranks_of_node,
                           std::size_t bytes, std::size_t machine_bytes)
    : impl_{std::make_unique<Impl>()} {
  const std::size_t size = (bytes / kPage + 1) * kPage;
  const Doing doing{"makes the memory of its node"};
  if (environment.size() > 1) {
    require_room(environment, ranks_of_node > 1 ? machine_bytes : 0);
    const Waiting waiting{"all ranks in MPI_Comm_split"};
    const MpiTurn turn;
    check(MPI_Comm_split(MPI_COMM_WORLD, node, environment.rank(), &impl_->node), "MPI_Comm_split");
  }
  bytes_ = {ranks_of_node > 1 ? impl_->map_window(size) : impl_->map_alone(size), bytes};
}

SharedMemory::SharedMemory(SharedMemory&&) noexcept = default;
SharedMemory& SharedMemory::operator=(SharedMemory&&) noexcept = default;
SharedMemory::~SharedMemory() = default;

}  // namespace factorps::comm
