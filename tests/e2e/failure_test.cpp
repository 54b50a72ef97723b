/// What a machine can do to a training: one message, the right exit code, nobody left hanging.
#include <algorithm>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

std::string quoted(const std::vector<std::string>& command) {
  std::string text;
  for (const auto& word : command) text += " '" + word + "'";
  return text;
}

/// Runs a shell script in mount points of its own.
ProgramResult run_in_own_mounts(const std::string& script) {
  return run_program({"unshare", "--mount", "sh", "-ec", script});
}

bool may_mount() { return run_in_own_mounts("mount -t tmpfs tmpfs /mnt").exit_code == 0; }

TEST_F(Training, EndsOnEveryRankWhenOneIsKilled) {
  Program program{command_of(4, train("run", {"train.epochs=1000000"}))};
  ASSERT_TRUE(reaches_epoch(program, "run", 2));
  const auto all = processes();
  const auto victim = std::ranges::find(all, 2, &std::pair<int, int>::second);
  ASSERT_NE(victim, all.end());
  ::kill(victim->first, SIGKILL);
  const ProgramResult result = program.wait();
  EXPECT_GT(result.exit_code, 0) << "still running";
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, SaysHowMuchSharedMemoryIsMissing) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small /dev/shm";
  // 500 rows and blank ones of 32 KiB each are more than 16 MiB.
  const auto command = command_of(3, train("run", {"model.dim=8192"}));
  const ProgramResult result =
      run_in_own_mounts("mount -t tmpfs -o size=16m tmpfs /dev/shm; exec" + quoted(command));
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("factorps: error: /dev/shm: the tables need "), std::string::npos)
      << result.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, KeepsTheLastCheckpointWhenTheDiskIsFull) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small disk";
  const std::string disk = directory_ / "disk";
  std::filesystem::create_directory(disk);
  // A checkpoint of 500 rows of 512 bytes and HDF5's overhead takes 0.3 to 0.4 MB.
  const Settings large{"model.dim=128", "checkpoint.keep=10"};
  const std::string first = quoted(command_of(3, train("disk/run", large)));
  const std::string again = quoted(command_of(0, train("disk/run", large, {"--resume", "auto"})));
  const ProgramResult result =
      run_in_own_mounts("mount -t tmpfs -o size=1200k tmpfs '" + disk + "'; if" + first +
                        "; then exit 99; else test $? = 5; fi; mount -o remount,size=50m '" + disk +
                        "'; ls '" + disk + "/run/checkpoints' >&2;" + again);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("factorps: error: "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(": No space left on device\n"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("epoch-000001\n"), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("epoch-000006\n"), std::string::npos) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["model_sha256"], hash(0, "whole", large));
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, LeavesNothingOfGenerateOnAFullDisk) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small disk";
  const std::string disk = directory_ / "disk";
  std::filesystem::create_directory(disk);
  // The second run meets a disk on which nothing at all has room.
  const ProgramResult result = run_in_own_mounts(
      "mount -t tmpfs -o size=8k tmpfs '" + disk + "'; cd '" + disk + "';" +
      "for n in 1 2; do code=0;" + quoted({executable(), "generate", "--out", "x"}) +
      " || code=$?; test $code = 5; ls -A; head -c 8k /dev/zero > ../zeros; cat ../zeros > full ||"
      " true; done");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "full\n");
}

TEST_F(Training, RefusesATruncatedDataset) {
  const auto dataset = directory_ / "dataset.h5";
  const auto size = std::filesystem::file_size(dataset);
  for (const auto left : {size - 1, size / 2, std::uintmax_t{100}}) {
    std::filesystem::resize_file(dataset, left);
    const ProgramResult result = factorps(train("run"));
    EXPECT_EQ(result.exit_code, 3) << left;
    EXPECT_EQ(result.err.find("factorps: error: " + dataset.string()), 0U) << result.err;
  }
  EXPECT_EQ(factorps_ranks(3, train("run")).exit_code, 3);
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, NamesAMissingDataset) {
  std::filesystem::remove(directory_ / "dataset.h5");
  const ProgramResult result = factorps(train("run"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "factorps: error: " + (directory_ / "dataset.h5").string() +
                            ": no such dataset; make it with: factorps prepare CONFIG\n");
}

TEST_F(Training, RefusesServersThatLeaveNoWorker) {
  const ProgramResult result = factorps_ranks(3, train("run", {"cluster.servers=2"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("expected at most 1"), std::string::npos) << result.err;
}

TEST_F(Training, TellsADivergedTraining) {
  const ProgramResult result = factorps(train("run", {"train.learning_rate=1e6"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find(": the loss is not finite; lower "), std::string::npos) << result.err;
}

TEST_F(Training, SurvivesAStandardErrorThatIsFull) {
  const ProgramResult result = run_program(
      {"sh", "-c",
       "exec" + quoted(command_of(0, {"train", config_, "--set", "run.dir=run"})) + " 2>/dev/full"},
      {directory_.path(), {}});
  EXPECT_EQ(result.exit_code, 0);
}

}  // namespace
}  // namespace factorps::test
