/// Whether two threads of a process are in MPI at the same time.
#pragma once

namespace factorps::test {

/// How often one came while another was in a call of those that sources of comm/ poll with, since
/// the start.
[[nodiscard]] int overlaps_in_mpi() noexcept;

}  // namespace factorps::test
