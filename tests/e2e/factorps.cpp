#include "tests/e2e/factorps.hpp"

namespace factorps::test {

std::string executable() { return FACTORPS_EXECUTABLE; }

std::vector<std::string> command_of(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command;
  if (ranks > 0) command = {FACTORPS_MPIRUN, "-n", std::to_string(ranks)};
  command.push_back(executable());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

ProgramResult factorps(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  return run_program(command_of(0, arguments), options);
}

ProgramResult factorps_ranks(int ranks, const std::vector<std::string>& arguments,
                             const ProgramOptions& options) {
  return run_program(command_of(ranks, arguments), options);
}

}  // namespace factorps::test
