// Messages beyond 2^31 and 2^32 bytes, which MPI's counts cannot hold. MPI itself is replaced: its
// functions below count what they are given and move nothing, and the bytes are addresses without
// memory behind them.
#include <cstdint>
#include <set>

#include <gtest/gtest.h>
#include <mpi.h>
#include <sys/mman.h>

#include "comm/environment.hpp"
#include "comm/mpi_check.hpp"
#include "comm/mpi_ring.hpp"
#include "common/error.hpp"

namespace {

/// What MPI was asked to transfer.
struct Transfers {
  std::uint64_t bytes = 0;
  std::uint64_t calls = 0;
  const char* next = nullptr;  ///< where the next piece must begin
  bool in_order = true;        ///< every piece began where the last one ended
  int largest = 0;
};
Transfers sent;      // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
Transfers received;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

int note(Transfers& transfers, const void* data, int count) {
  const char* begin = static_cast<const char*>(data);
  if (transfers.next != nullptr && begin != transfers.next) transfers.in_order = false;
  if (count < 0) return MPI_ERR_COUNT;
  transfers.next = begin + count;
  transfers.bytes += static_cast<std::uint64_t>(count);
  transfers.largest = std::max(transfers.largest, count);
  ++transfers.calls;
  return MPI_SUCCESS;
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
int MPI_Init_thread(int*, char***, int, int* provided) {
  *provided = MPI_THREAD_FUNNELED;
  return MPI_SUCCESS;
}
int MPI_Finalize() { return MPI_SUCCESS; }
int MPI_Comm_set_errhandler(MPI_Comm, MPI_Errhandler) { return MPI_SUCCESS; }
int MPI_Comm_rank(MPI_Comm, int* rank) {
  *rank = 1;
  return MPI_SUCCESS;
}
int MPI_Comm_size(MPI_Comm, int* size) {
  *size = 2;
  return MPI_SUCCESS;
}
int MPI_Allgather(const void*, int, MPI_Datatype, void*, int, MPI_Datatype, MPI_Comm) {
  return MPI_SUCCESS;
}
int MPI_Comm_dup(MPI_Comm from, MPI_Comm* to) {
  *to = from;
  return MPI_SUCCESS;
}
int MPI_Comm_free(MPI_Comm*) { return MPI_SUCCESS; }
int MPI_Isend(const void* data, int count, MPI_Datatype, int, int, MPI_Comm, MPI_Request* request) {
  *request = MPI_REQUEST_NULL;
  return note(sent, data, count);
}
int MPI_Irecv(void* data, int count, MPI_Datatype, int, int, MPI_Comm, MPI_Request* request) {
  *request = MPI_REQUEST_NULL;
  return note(received, data, count);
}
int MPI_Igather(const void*, int, MPI_Datatype, void*, int, MPI_Datatype, int, MPI_Comm,
                MPI_Request* request) {
  *request = MPI_REQUEST_NULL;
  return MPI_SUCCESS;
}
int MPI_Ibarrier(MPI_Comm, MPI_Request* request) {
  *request = MPI_REQUEST_NULL;
  return MPI_SUCCESS;
}
int MPI_Test(MPI_Request*, int* done, MPI_Status*) {
  *done = 1;
  return MPI_SUCCESS;
}
int MPI_Testall(int, MPI_Request[], int* done, MPI_Status[]) {
  *done = 1;
  return MPI_SUCCESS;
}
}
// NOLINTEND(readability-identifier-naming)

namespace factorps::comm {
namespace {

/// Addresses that nobody may touch.
class Addresses {
 public:
  explicit Addresses(std::size_t size)
      : size_{size},
        begin_{
            ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)} {}
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  ~Addresses() { ::munmap(begin_, size_); }
  [[nodiscard]] std::span<std::byte> bytes() const {
    EXPECT_NE(begin_, MAP_FAILED);
    return {static_cast<std::byte*>(begin_), size_};
  }

 private:
  std::size_t size_;
  void* begin_;
};

class LargeMessage : public testing::TestWithParam<std::uint64_t> {
 protected:
  LargeMessage() {
    sent = {};
    received = {};
  }
  static void expect_all(const Transfers& transfers, std::uint64_t size) {
    EXPECT_EQ(transfers.bytes, size);
    EXPECT_TRUE(transfers.in_order);
    EXPECT_GE(transfers.calls, size / static_cast<std::uint64_t>(transfers.largest));
  }
};

TEST_P(LargeMessage, GoesAroundTheRingInPieces) {
  const Addresses block{GetParam()};
  MpiRing ring{1, 1};
  const auto link = ring.link();
  link->send({block.bytes()});
  link->receive({block.bytes()});
  expect_all(sent, GetParam());
  expect_all(received, GetParam());
  EXPECT_EQ(link->sent(), 1U);
  EXPECT_EQ(link->received(), 1U);
}

TEST_P(LargeMessage, IsGatheredInPieces) {
  const Addresses rows{GetParam()};
  const Environment environment{true};
  EXPECT_TRUE(environment.gather(rows.bytes()).empty());  // this is rank 1
  expect_all(sent, GetParam());
}

constexpr std::uint64_t kTwo31 = std::uint64_t{1} << 31;
constexpr std::uint64_t kTwo32 = std::uint64_t{1} << 32;
INSTANTIATE_TEST_SUITE_P(Boundaries, LargeMessage,
                         testing::Values(kTwo31 - 1, kTwo31, kTwo31 + 1, kTwo32 - 1, kTwo32,
                                         kTwo32 + 1, kTwo32 + kTwo31 + 7));

TEST(Count, StopsWhereMpiDoes) {
  EXPECT_EQ(to_count(kTwo31 - 1), 0x7FFF'FFFF);
  for (const std::uint64_t size : {kTwo31, kTwo32 - 1, kTwo32, kTwo32 + 1})
    EXPECT_THROW(static_cast<void>(to_count(size)), Error) << size;
}

}  // namespace
}  // namespace factorps::comm
