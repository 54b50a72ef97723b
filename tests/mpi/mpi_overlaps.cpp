// MPI's profiling interface: the functions below take the place of its own, and call them.
#include "tests/mpi/mpi_overlaps.hpp"

#include <atomic>

#include <mpi.h>

namespace factorps::test {
namespace {

std::atomic<int> inside{0};
std::atomic<int> overlaps{0};

struct Call {
  Call() { overlaps += inside++ > 0 ? 1 : 0; }
  ~Call() { --inside; }
};

}  // namespace

int overlaps_in_mpi() noexcept { return overlaps; }

}  // namespace factorps::test

using factorps::test::Call;

// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  const Call call;
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}
int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
  const Call call;
  return PMPI_Irecv(data, count, type, from, tag, comm, request);
}
int MPI_Iprobe(int from, int tag, MPI_Comm comm, int* found, MPI_Status* status) {
  const Call call;
  return PMPI_Iprobe(from, tag, comm, found, status);
}
int MPI_Test(MPI_Request* request, int* done, MPI_Status* status) {
  const Call call;
  return PMPI_Test(request, done, status);
}
int MPI_Testall(int count, MPI_Request requests[], int* done, MPI_Status statuses[]) {
  const Call call;
  return PMPI_Testall(count, requests, done, statuses);
}
int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
  const Call call;
  return PMPI_Ibarrier(comm, request);
}
int MPI_Igather(const void* mine, int count, MPI_Datatype type, void* all, int each,
                MPI_Datatype type_of_all, int root, MPI_Comm comm, MPI_Request* request) {
  const Call call;
  return PMPI_Igather(mine, count, type, all, each, type_of_all, root, comm, request);
}
}
// NOLINTEND(readability-identifier-naming)
