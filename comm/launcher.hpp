/// Who started this process, and whether the ranks of its job have found one another.
#pragma once

#include <functional>
#include <string>

namespace factorps::comm {

/// Looks an environment variable up; null: it is not set.
using Variable = std::function<const char*(const char* name)>;

/// Whether mpirun or srun started this process so that MPI finds the other ranks.
[[nodiscard]] bool started_by_launcher(const Variable& variable);

/// Several tasks were started, but each is the only rank of a job of its own: all of them would do
/// the same work in the same files.
struct LoneTask {
  std::string problem;  ///< with what to do instead; empty: this is not so
  bool first = true;    ///< of the tasks: the others need not say the same
};

/// @param ranks of this process's job, as MPI counts them
[[nodiscard]] LoneTask find_lone_task(int ranks, const Variable& variable);

}  // namespace factorps::comm
