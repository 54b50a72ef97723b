#include "tests/e2e/factorps.hpp"

namespace factorps::test {

std::string executable() { return FACTORPS_EXECUTABLE; }

ProgramResult factorps(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  std::vector<std::string> command{executable()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command, options);
}

ProgramResult factorps_ranks(int ranks, const std::vector<std::string>& arguments,
                             const ProgramOptions& options) {
  std::vector<std::string> command{FACTORPS_MPIRUN, "-n", std::to_string(ranks), executable()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command, options);
}

}  // namespace factorps::test
