/// Runs a program as a user would, with a deadline.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace factorps::test {

struct ProgramResult {
  int exit_code;  ///< 128 + signal number if a signal ended it; -1 if the deadline passed
  std::string out;
  std::string err;
};

struct ProgramOptions {
  std::filesystem::path directory;       ///< to run in; empty: the current one
  std::vector<std::string> environment;  ///< "NAME=value", besides what this process has
  std::chrono::seconds deadline{100};    ///< then the program and its children are killed
};

/// Runs command[0] (a path, or a name in PATH) with arguments and waits for it; standard input is
/// empty. @throws std::system_error if it cannot be started
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& command,
                                        const ProgramOptions& options = {});

}  // namespace factorps::test
