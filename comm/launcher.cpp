#include "comm/launcher.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace factorps::comm {
namespace {

/// How a launcher tells its tasks how many they are, and what to do if MPI does not see it.
struct Launcher {
  const char* size;
  const char* rank;
  const char* name;
  const char* advice;
};

// The first one whose variables are there has started this process: under SLURM, mpirun starts its
// own daemons by srun, and what they start inherits srun's variables.
constexpr std::array kLaunchers{
    Launcher{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun",
             "use the mpirun of the Open MPI that factorps was built with (factorps --version)"},
    Launcher{"PMI_SIZE", "PMI_RANK",
             "a launcher that speaks PMI (MPICH, Intel MPI, srun --mpi=pmi2)",
             "factorps is built with Open MPI: use its mpirun, or srun --mpi=pmix"},
    Launcher{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun",
             "use srun --mpi=pmix (srun --mpi=list says whether it is there), or mpirun within the "
             "allocation"}};

int number(const char* text) {
  if (text == nullptr) return 0;
  const std::string_view digits{text};
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

bool started_by_launcher(const Variable& variable) {
  constexpr std::array names{"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
  return std::ranges::any_of(names, [&](const char* name) { return variable(name) != nullptr; });
}

LoneTask find_lone_task(int ranks, const Variable& variable) {
  if (ranks > 1) return {};
  const auto launcher = std::ranges::find_if(
      kLaunchers, [&](const Launcher& l) { return variable(l.size) != nullptr; });
  if (launcher == kLaunchers.end()) return {};
  const int tasks = number(variable(launcher->size));
  if (tasks <= 1) return {};
  return {fmt::format("{} started {} tasks ({}), but MPI does not connect them: each is rank 0 of "
                      "1 and would do the whole job in the same files; {}; for one process with "
                      "threads start one task (-n 1)",
                      launcher->name, tasks, launcher->size, launcher->advice),
          number(variable(launcher->rank)) == 0};
}

}  // namespace factorps::comm
