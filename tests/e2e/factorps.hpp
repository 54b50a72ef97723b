/// The executable under test.
#pragma once

#include <string>
#include <vector>

#include "tests/support/run_program.hpp"

namespace factorps::test {

/// Its path.
[[nodiscard]] std::string executable();
/// The command `mpirun -n RANKS factorps ARGUMENTS`; RANKS 0: without the launcher.
[[nodiscard]] std::vector<std::string> command_of(int ranks,
                                                  const std::vector<std::string>& arguments);
/// `factorps ARGUMENTS`, in this one process.
[[nodiscard]] ProgramResult factorps(const std::vector<std::string>& arguments,
                                     const ProgramOptions& options = {});
/// `mpirun -n RANKS factorps ARGUMENTS`.
[[nodiscard]] ProgramResult factorps_ranks(int ranks, const std::vector<std::string>& arguments,
                                           const ProgramOptions& options = {});

}  // namespace factorps::test
