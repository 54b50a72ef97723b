/// A real SLURM with pretend nodes on this machine (scripts/slurm-test-cluster).
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {

/// Starts with the object and ends with it, or with this process. Its files are in a directory of
/// its own, so that the names of a test's files tell its jobs' processes from the daemons.
class SlurmCluster {
 public:
  /// node1 ... nodeN.
  explicit SlurmCluster(int nodes);
  SlurmCluster(const SlurmCluster&) = delete;
  SlurmCluster& operator=(const SlurmCluster&) = delete;
  ~SlurmCluster();

  /// 0; 77: this machine cannot run it, and problem() says why.
  [[nodiscard]] int exit_code() const noexcept { return started_.exit_code; }
  [[nodiscard]] const std::string& problem() const noexcept { return started_.err; }

  /// Runs a client such as squeue. @return what it printed, without the last newline
  /// @throws std::runtime_error if it fails
  std::string client(const std::vector<std::string>& command, ProgramOptions options = {}) const;
  /// A field of `scontrol show job`; empty if there is none.
  [[nodiscard]] std::string field(const std::string& job, const std::string& name) const;
  /// Whether a job comes to a state, such as "COMPLETED", while others do not end it.
  [[nodiscard]] bool reaches(const std::string& job, const std::string& state) const;

  /// Whether, in a while, all nodes are there and nothing is left of what a job did on them.
  [[nodiscard]] bool is_ready_for(const std::string& job) const;
  /// Whether, when all jobs are cancelled, all nodes are idle within a few seconds.
  [[nodiscard]] bool settles() const;

  /// Everything on a node ends at once, as at a power cut.
  void kill_node(const std::string& node) const;
  /// Only its slurmd ends, not what it has started.
  void crash_daemon(const std::string& node) const;
  void boot_node(const std::string& node) const;
  /// Names of the files in the node's /dev/shm.
  [[nodiscard]] std::vector<std::string> shared_memory(const std::string& node) const;

 private:
  [[nodiscard]] int nodes_in(const std::set<std::string>& states) const;
  [[nodiscard]] ProgramResult control(std::vector<std::string> arguments) const;

  TemporaryDirectory directory_;
  int nodes_;
  ProgramResult started_;
  std::vector<std::string> environment_;
};

/// Asks until the answer is yes; false after two minutes or so many seconds.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::seconds patience = std::chrono::seconds{120});

}  // namespace factorps::test
