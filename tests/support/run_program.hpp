/// Runs a program as a user would, with a deadline.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"

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

/// A program that runs; killed with its children if nobody waits for it.
class Program {
 public:
  /// Starts command[0] (a path, or a name in PATH) with arguments; standard input is empty.
  /// @throws std::system_error if it cannot be started
  explicit Program(std::vector<std::string> command, const ProgramOptions& options = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  void signal(int number) const;
  [[nodiscard]] bool running();
  /// Waits for its end or the deadline.
  [[nodiscard]] ProgramResult wait();

 private:
  TemporaryDirectory streams_;
  std::chrono::steady_clock::time_point deadline_;
  int pid_ = 0;
  std::optional<int> exit_code_;
};

/// Runs a program to its end.
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& command,
                                        const ProgramOptions& options = {});

}  // namespace factorps::test
