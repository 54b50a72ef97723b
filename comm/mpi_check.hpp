/// Checked MPI calls, for the sources of comm/ only.
#pragma once

#include <cstddef>

#include <mpi.h>

namespace factorps::comm {

/// Throws Error with MPI's own text unless `code` is MPI_SUCCESS.
void check(int code, const char* call);

/// An MPI-3 element count. @throws Error above INT_MAX, where a cast would wrap
[[nodiscard]] int to_count(std::size_t n);

}  // namespace factorps::comm
