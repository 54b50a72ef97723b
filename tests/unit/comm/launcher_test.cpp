#include "comm/launcher.hpp"

#include <map>

#include <gtest/gtest.h>

namespace factorps::comm {
namespace {

using Variables = std::map<std::string, std::string>;

Variable among(const Variables& variables) {
  return [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

// What each launcher was seen to set, as far as it is looked at.
const Variables kShell;
const Variables kBatchShell{{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}};
const Variables kSrun{{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "2"}};
const Variables kSrunOfOne{{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}};
const Variables kSrunPmix{{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_PROCID", "2"}, {"PMIX_RANK", "2"}};
const Variables kMpirun{{"OMPI_COMM_WORLD_SIZE", "3"}, {"OMPI_COMM_WORLD_RANK", "0"}};
const Variables kMpirunOfOneUnderSlurm{{"OMPI_COMM_WORLD_SIZE", "1"},
                                       {"OMPI_COMM_WORLD_RANK", "0"},
                                       {"SLURM_STEP_NUM_TASKS", "2"},
                                       {"SLURM_PROCID", "1"}};
const Variables kHydra{{"PMI_SIZE", "2"}, {"PMI_RANK", "1"}};

TEST(StartedByLauncher, SaysWhetherMpiCanFindOtherRanks) {
  for (const auto* variables : {&kShell, &kBatchShell, &kSrun, &kSrunOfOne}) {
    EXPECT_FALSE(started_by_launcher(among(*variables)));
  }
  for (const auto* variables : {&kSrunPmix, &kMpirun, &kMpirunOfOneUnderSlurm, &kHydra}) {
    EXPECT_TRUE(started_by_launcher(among(*variables)));
  }
}

TEST(LoneTask, IsOneOfSeveralThatMpiDoesNotConnect) {
  const LoneTask srun = find_lone_task(1, among(kSrun));
  EXPECT_EQ(srun.problem,
            "srun started 4 tasks (SLURM_STEP_NUM_TASKS), but MPI does not connect them: each is "
            "rank 0 of 1 and would do the whole job in the same files; use srun --mpi=pmix (srun "
            "--mpi=list says whether it is there), or mpirun within the allocation; for one "
            "process with threads start one task (-n 1)");
  EXPECT_FALSE(srun.first);
  const LoneTask mpirun = find_lone_task(1, among(kMpirun));
  EXPECT_EQ(mpirun.problem.find("mpirun started 3 tasks (OMPI_COMM_WORLD_SIZE)"), 0U);
  EXPECT_TRUE(mpirun.first);
  EXPECT_EQ(find_lone_task(1, among(kHydra)).problem.find("a launcher that speaks PMI"), 0U);
}

TEST(LoneTask, IsNoneThatWasStartedAlone) {
  for (const auto* variables : {&kShell, &kBatchShell, &kSrunOfOne, &kMpirunOfOneUnderSlurm}) {
    EXPECT_EQ(find_lone_task(1, among(*variables)).problem, "");
  }
}

TEST(LoneTask, IsNoneThatFoundTheOthers) {
  EXPECT_EQ(find_lone_task(4, among(kSrunPmix)).problem, "");
  EXPECT_EQ(find_lone_task(3, among(kMpirun)).problem, "");
}

}  // namespace
}  // namespace factorps::comm
