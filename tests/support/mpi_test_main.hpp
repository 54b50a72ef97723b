/// For tests under an MPI launcher; link factorps_mpi_test_main, which has main().
#pragma once

#include "comm/environment.hpp"

namespace factorps::test {

/// The job of this test.
[[nodiscard]] const comm::Environment& environment();

}  // namespace factorps::test
