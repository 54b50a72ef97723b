/// slurm/train.sbatch and scaling.sbatch with a stand-in for the launcher, the program and
/// scontrol, each of which writes down how it was called. What SLURM itself does is not tested
/// here.
#include <gtest/gtest.h>

#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {
namespace {

class BatchScript : public testing::Test {
 protected:
  BatchScript() {
    tool("factorps", R"(echo "dataset = \"$PWD/data.h5\""; echo "dir = \"$PWD/run\"")");
    tool("scontrol", "echo scontrol \"$@\" >> calls");
    tool("squeue", "exit 1");
    tool("mpirun", "echo mpirun \"$@\" >> calls");
    directory_.write("data.h5", "");
  }

  void tool(const std::string& name, const std::string& body) {
    const auto file = directory_.write("bin/" + name, "#!/bin/bash\n" + body + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

  /// The launcher gets the batch shell a signal, waits until USR1 comes back, then ends with 75.
  void launcher_signals_batch_shell(const std::string& signal) {
    tool("mpirun",
         "trap 'echo checkpoint >> calls; exit 75' USR1\n"
         "kill -" +
             signal +
             " $PPID\n"
             "for i in $(seq 2000); do sleep 0.01; done");
  }

  ProgramResult submit(const std::vector<std::string>& environment = {}) {
    return run(FACTORPS_BATCH_SCRIPT, {"run.toml", "--set", "model.dim=8"}, environment);
  }

  ProgramResult submit_scaling(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment = {}) {
    tool("factorps", "printf '%s\\n' \"$@\" >> calls; exit ${CODE:-0}");
    return run(FACTORPS_SCALING_SCRIPT, arguments, environment);
  }

  ProgramResult run(const char* script, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment) {
    ProgramOptions options;
    options.directory = directory_.path();
    options.environment = {"PATH=" + (directory_ / "bin").string() + ":/usr/bin:/bin",
                           "SLURM_NTASKS=4", "SLURM_JOB_NUM_NODES=2", "SLURM_JOB_ID=" + job_};
    options.environment.insert(options.environment.end(), environment.begin(), environment.end());
    std::vector<std::string> command{"bash", script};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_program(command, options);
  }

  [[nodiscard]] std::string calls() const { return read_text(directory_ / "calls"); }

  TemporaryDirectory directory_;
  std::string job_ = "7";
};

TEST_F(BatchScript, ResumesWithOneServerPerNode) {
  const ProgramResult result = submit();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(calls(),
            "mpirun --quiet -n 4 --bind-to core factorps train run.toml --set model.dim=8 "
            "--resume auto\n");
}

TEST_F(BatchScript, PreparesAMissingDataset) {
  std::filesystem::remove(directory_ / "data.h5");
  EXPECT_EQ(submit().exit_code, 0);
  EXPECT_EQ(calls().find("mpirun --quiet -n 4 --bind-to core factorps prepare run.toml"), 0u)
      << calls();
}

TEST_F(BatchScript, StopsWhenPrepareFails) {
  std::filesystem::remove(directory_ / "data.h5");
  tool("mpirun", "echo mpirun >> calls; exit 3");
  EXPECT_EQ(submit().exit_code, 3);
  EXPECT_EQ(calls(), "mpirun\n");
}

TEST_F(BatchScript, StopsWhenTheConfigurationIsWrong) {
  tool("factorps", "echo 'factorps: error: bad' >&2; exit 2");
  const ProgramResult result = submit();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(calls(), "");
}

TEST_F(BatchScript, CheckpointsAndRequeuesBeforeTheTimeLimit) {
  launcher_signals_batch_shell("USR1");
  EXPECT_EQ(submit().exit_code, 0);
  EXPECT_EQ(calls(), "checkpoint\nscontrol requeue 7\n");
}

TEST_F(BatchScript, CheckpointsButLeavesTheQueueToSlurmWhenTerminated) {
  launcher_signals_batch_shell("TERM");
  EXPECT_EQ(submit().exit_code, 75);
  EXPECT_EQ(calls(), "checkpoint\n");
}

TEST_F(BatchScript, PassesOnTheExitCodeOfAFailedTraining) {
  tool("mpirun", "exit 3");
  EXPECT_EQ(submit().exit_code, 3);
  EXPECT_EQ(calls(), "");
}

TEST_F(BatchScript, RequeuesWhenARankIsLost) {
  tool("mpirun", "mkdir -p run/checkpoints/epoch-000001; exit 137");
  EXPECT_EQ(submit().exit_code, 0);
  EXPECT_EQ(calls(), "scontrol requeue 7\n");
}

TEST_F(BatchScript, TellsTheTrainingWhenTheAllocationEnds) {
  tool("squeue", R"(echo "$SLURM_TIME_FORMAT $*" >> calls; echo 1795982718)");
  tool("mpirun", R"(echo "end ${FACTORPS_END_TIME-none}" >> calls)");
  EXPECT_EQ(submit().exit_code, 0);
  EXPECT_EQ(calls(), "%s --noheader --jobs 7 --format %e\nend 1795982718\n");
}

TEST_F(BatchScript, AsksForTheEndOfItsOwnTask) {
  tool("squeue", R"(echo "$*" >> calls)");
  EXPECT_EQ(submit({"SLURM_ARRAY_JOB_ID=5", "SLURM_ARRAY_TASK_ID=2"}).exit_code, 0);
  EXPECT_EQ(calls().find("--noheader --jobs 5_2 --format %e\n"), 0U) << calls();
}

TEST_F(BatchScript, KnowsNoEndWhereThereIsNoneOrTheProgramKnowsItself) {
  tool("mpirun", R"(echo "end ${FACTORPS_END_TIME-none}" >> calls)");
  EXPECT_EQ(submit().exit_code, 0);  // squeue fails
  job_ = "8";
  tool("squeue", "echo N/A");  // unlimited
  EXPECT_EQ(submit().exit_code, 0);
  job_ = "9";
  tool("squeue", "echo 5");
  EXPECT_EQ(submit({"SLURM_JOB_END_TIME=9"}).exit_code, 0);
  EXPECT_EQ(calls(), "end none\nend none\nend none\n");
}

TEST_F(BatchScript, DoesNotRequeueWhatAFileStopped) {
  tool("mpirun", "touch run/stop; exit 75");
  const ProgramResult result = submit();
  EXPECT_EQ(result.exit_code, 75);
  EXPECT_NE(result.err.find("run/stop asks the run to stop; remove it"), std::string::npos)
      << result.err;
  EXPECT_EQ(calls(), "");
}

TEST_F(BatchScript, StopsWhenTwoRunsInARowMadeNoProgress) {
  tool("mpirun", "exit 137");
  EXPECT_EQ(submit().exit_code, 0);
  const ProgramResult second = submit();
  EXPECT_EQ(second.exit_code, 137);
  EXPECT_NE(second.err.find("two runs in a row made no progress"), std::string::npos);
  EXPECT_EQ(submit().exit_code, 1);  // requeued by SLURM all the same
  EXPECT_EQ(calls(), "scontrol requeue 7\n");
  tool("mpirun", "mkdir -p run/checkpoints/epoch-000001; exit 75");
  job_ = "8";  // submitted anew
  EXPECT_EQ(submit().exit_code, 0);
  EXPECT_EQ(calls(), "scontrol requeue 7\nscontrol requeue 8\n");
}

TEST_F(BatchScript, PutsTheNumberOfTheTaskIntoArguments) {
  tool("factorps", R"(printf '%s ' "$@" >> calls; exit 2)");
  EXPECT_EQ(run(FACTORPS_BATCH_SCRIPT, {"run.toml", "--set", "train.seed={task}"},
                {"SLURM_ARRAY_TASK_ID=4"})
                .exit_code,
            2);
  EXPECT_EQ(calls(), "config run.toml --set train.seed=4 ");
}

TEST_F(BatchScript, GivesUpAfterTooManyRestarts) {
  tool("mpirun", "exit 75");
  EXPECT_EQ(submit({"SLURM_RESTART_COUNT=50"}).exit_code, 75);
  EXPECT_EQ(calls(), "");
  job_ = "8";
  EXPECT_EQ(submit({"SLURM_RESTART_COUNT=49"}).exit_code, 0);
  EXPECT_EQ(calls(), "scontrol requeue 8\n");
}

TEST_F(BatchScript, DoesTheScalingRunOfItsArrayTask) {
  const ProgramResult result = submit_scaling({"run.toml"}, {"SLURM_ARRAY_TASK_ID=3"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(calls(),
            "bench\nscaling\nrun.toml\n--set\nscaling.launcher=[\"mpirun\", \"--quiet\", "
            "\"--bind-to\", \"core\"]\n--only\n3\n");
}

TEST_F(BatchScript, CollectsScalingRunsOutsideTheArray) {
  const ProgramResult result =
      submit_scaling({"run.toml", "--collect"}, {"FACTORPS_LAUNCHER=srun"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(calls(),
            "bench\nscaling\nrun.toml\n--collect\n--set\nscaling.launcher=[\"srun\", "
            "\"--mpi=pmix\", \"--cpu-bind=cores\", \"--kill-on-bad-exit=1\"]\n");
}

TEST_F(BatchScript, FailsWhenAScalingRunFails) {
  EXPECT_EQ(submit_scaling({"run.toml"}, {"SLURM_ARRAY_TASK_ID=0", "CODE=5"}).exit_code, 5);
  EXPECT_EQ(submit_scaling({"run.toml"}, {"FACTORPS_LAUNCHER=mpiexec"}).exit_code, 2);
  EXPECT_EQ(submit_scaling({}).exit_code, 2);
}

}  // namespace
}  // namespace factorps::test
