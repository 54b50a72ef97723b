#include "comm/shared_memory.hpp"

#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "comm/mpi_check.hpp"
#include "common/error.hpp"

namespace factorps::comm {
namespace {

constexpr const char* kMount = "/dev/shm";  // where Open MPI backs its windows
constexpr std::size_t kPage = 4096;

/// A window larger than the mount would be granted and end in SIGBUS at the first touch.
void require_room(const Environment& environment, std::size_t bytes) {
  struct statvfs info {};
  const bool known = ::statvfs(kMount, &info) == 0;
  const std::uint64_t free = known ? std::uint64_t{info.f_bavail} * info.f_frsize : bytes;
  // Every rank decides alike: the smallest answer counts.
  if (environment.minimum(free >= bytes ? 1 : 0) == 1) return;
  throw ResourceError{
      fmt::format("{}: the tables need {} bytes of shared memory, {} are free, {} are missing; "
                  "mount it larger or use fewer dimensions",
                  kMount, bytes, free, bytes > free ? bytes - free : 0)};
}

}  // namespace

struct SharedMemory::Impl {
  MPI_Win window = MPI_WIN_NULL;
  void* mapping = MAP_FAILED;
  std::size_t mapped = 0;

  ~Impl() {
    if (mapping != MAP_FAILED) ::munmap(mapping, mapped);
    if (window != MPI_WIN_NULL && std::uncaught_exceptions() == 0) MPI_Win_free(&window);
  }
};

SharedMemory::SharedMemory(const Environment& environment, std::size_t bytes)
    : impl_{std::make_unique<Impl>()} {
  const std::size_t size = (bytes / kPage + 1) * kPage;
  // Open MPI gives a lone rank memory of its heap, which is not zeroed.
  if (environment.size() == 1) {
    impl_->mapped = size;
    impl_->mapping =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (impl_->mapping == MAP_FAILED) throw std::bad_alloc{};
    bytes_ = {static_cast<std::byte*>(impl_->mapping), bytes};
    return;
  }
  require_room(environment, size);
  void* base = nullptr;
  const MPI_Aint mine = environment.rank() == 0 ? static_cast<MPI_Aint>(size + kPage) : 0;
  check(MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &base, &impl_->window),
        "MPI_Win_allocate_shared");
  MPI_Aint found = 0;
  int unit = 0;
  check(MPI_Win_shared_query(impl_->window, 0, &found, &unit, &base), "MPI_Win_shared_query");
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  // The segment starts at the same offset in its page on every rank.
  auto* aligned = static_cast<std::byte*>(base) + (kPage - address % kPage) % kPage;
  bytes_ = {aligned, bytes};
}

SharedMemory::SharedMemory(SharedMemory&&) noexcept = default;
SharedMemory& SharedMemory::operator=(SharedMemory&&) noexcept = default;
SharedMemory::~SharedMemory() = default;

}  // namespace factorps::comm
