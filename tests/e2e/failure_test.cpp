/// What a machine can do to a training: one message, the right exit code, nobody left hanging.
#include <algorithm>
#include <csignal>
#include <ctime>
#include <fstream>

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
  const int victim = process_of_rank(2);
  ASSERT_NE(victim, 0);
  ::kill(victim, SIGKILL);
  const ProgramResult result = program.wait();
  EXPECT_GT(result.exit_code, 0) << "still running";
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, SavesMoreOftenWhereItIsKilled) {
  const Settings automatic{"checkpoint.interval=auto", "checkpoint.mtbf_hours=10"};
  const std::string expected = hash(0, "whole", automatic);
  ProgramOptions killed;
  killed.environment = {"FACTORPS_FAULTS=kill rank=2 epoch=3 cell=5"};
  for (const int failures : {0, 1}) {
    const ProgramResult result =
        run_program(command_of(3, train("run", automatic, {"--resume", "auto"})), killed);
    EXPECT_EQ(result.exit_code, 137) << result.err;
    EXPECT_EQ(nlohmann::json::parse(read_text(directory_ / "run/uptime.json"))["failures"],
              failures);
  }
  EXPECT_EQ(hash(2, "run", automatic, {"--resume", "auto"}), expected);
  EXPECT_NE(read_text(directory_ / "run/log.txt")
                .find(" s loses least if a failure comes every 3.33 hours (2 in 0.00 hours of this "
                      "run, and one in 10: checkpoint.mtbf_hours)"),
            std::string::npos);
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

TEST_F(Training, WaitsForItsCheckpointsWhereCopiesOfTheRowsDoNotFit) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small /dev/shm";
  const Settings large{"model.dim=2048", "train.epochs=2"};
  const auto plan = [&](const std::string& background) {
    return std::vector<std::string>{"plan",    config_, "--json",
                                    "--ranks", "3",     "--set",
                                    large[0],  "--set", "checkpoint.background=" + background};
  };
  const auto bytes_of = [&](const char* background) {
    const auto record = nlohmann::json::parse(factorps(plan(background)).out);
    return record["memory_per_node"]["tables"].get<std::uint64_t>();
  };
  const std::uint64_t between = (bytes_of("true") + bytes_of("false")) / 2;
  const std::string mount =
      "mount -t tmpfs -o size=" + std::to_string(between) + " tmpfs /dev/shm; exec";

  const ProgramResult trained =
      run_in_own_mounts(mount + quoted(command_of(3, train("run", large))));
  const ProgramResult planned = run_in_own_mounts(mount + quoted(command_of(0, plan("true"))));

  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.err.find(": training waits while checkpoints are written "
                             "(checkpoint.background)\n"),
            std::string::npos)
      << trained.err;
  EXPECT_EQ(nlohmann::json::parse(trained.out)["model_sha256"], hash(0, "alone", large));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "run" / "checkpoints" / "epoch-000002"));
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_EQ(nlohmann::json::parse(planned.out)["waits_to_save"].get<std::string>().find(
                "copies of the rows would need "),
            0U)
      << planned.out;
}

TEST_F(Training, StreamsRowsWhereWholeTablesDoNotFit) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small /dev/shm";
  const std::string prefix = directory_ / "large";
  ASSERT_EQ(factorps({"generate", "--users", "3000", "--items", "2000", "--interactions", "60000",
                      "--out", prefix})
                .exit_code,
            0);
  // Rows of 4 KiB: on two nodes 40 MiB, streamed 32 MiB.
  const Settings large{"data.source=" + prefix + ".train.csv",
                       "data.test=" + prefix + ".test.csv",
                       "data.dataset=" + prefix + ".h5",
                       "model.dim=1022",
                       "train.solver=als",
                       "train.epochs=1",
                       "ials.method=cg",
                       "ials.cg_steps=1",
                       "checkpoint.every_epochs=0",
                       "cluster.node_size=2"};
  std::vector<std::string> prepare{"prepare", config_};
  std::vector<std::string> plan{"plan", config_, "--json", "--nodes", "2", "--ranks", "2"};
  for (const std::string& setting : large) {
    prepare.insert(prepare.end(), {"--set", setting});
    plan.insert(plan.end(), {"--set", setting});
  }
  ASSERT_EQ(factorps(prepare).exit_code, 0);
  const auto copies = nlohmann::json::parse(factorps(plan).out)["copies"];
  const auto whole = copies["tables_whole"].get<std::uint64_t>();
  const auto streamed = copies["tables_streamed"].get<std::uint64_t>();
  const auto train_with = [&](std::uint64_t size) {
    return run_in_own_mounts("mount -t tmpfs -o size=" + std::to_string(size) +
                             " tmpfs /dev/shm; exec" + quoted(command_of(4, train("run", large))));
  };
  const ProgramResult tight = train_with(whole + streamed);  // between twice the one and the other
  ASSERT_EQ(tight.exit_code, 0) << tight.err;
  EXPECT_NE(tight.err.find(" whole tables need "), std::string::npos) << tight.err;
  EXPECT_NE(tight.err.find(": rows are streamed (ials.copies)\n"), std::string::npos) << tight.err;
  EXPECT_EQ(nlohmann::json::parse(tight.out)["model_sha256"], hash(0, "alone", large));
  const ProgramResult too_small = train_with(streamed);
  EXPECT_EQ(too_small.exit_code, 5);
  EXPECT_NE(too_small.err.find(" streamed tables need "), std::string::npos) << too_small.err;
  EXPECT_TRUE(no_process_is_left());
}

/// The disk has room when the training starts; somebody else fills it later.
TEST_F(Training, KeepsTheLastCheckpointWhenTheDiskIsFull) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small disk";
  const std::string disk = directory_ / "disk";
  std::filesystem::create_directory(disk);
  const Settings large{"model.dim=128"};
  set_epochs(1'000'000);
  const std::string command = quoted(command_of(3, train("disk/run", large)));
  Program program{
      {"unshare", "--mount", "sh", "-ec",
       "mount -t tmpfs -o size=8m tmpfs '" + disk + "'; (" + command + ") & until [ -e '" + disk +
           "/run/checkpoints/epoch-000002' ]; do sleep 0.01; done; head -c 8m "
           "/dev/zero > '" +
           disk + "/full' || true; code=0; wait $! || code=$?; rm '" + disk + "/full'; cp -r '" +
           disk + "/run' '" + directory_.path().string() + "/kept'; exit $code"}};
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.exit_code, 5) << result.err;
  EXPECT_NE(result.err.find("factorps: error: "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(": No space left on device\n"), std::string::npos) << result.err;
  set_epochs(epochs_of("kept") + 2);
  EXPECT_EQ(hash(0, "kept", large, {"--resume", "auto"}), hash(0, "whole", large));
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, SaysHowMuchDiskIsMissingBeforeItStarts) {
  if (!may_mount()) GTEST_SKIP() << "may not mount a small disk";
  const std::string disk = directory_ / "disk";
  std::filesystem::create_directory(disk);
  const ProgramResult result =
      run_in_own_mounts("mount -t tmpfs -o size=1m tmpfs '" + disk + "'; exec" +
                        quoted(command_of(3, train("disk/run", {"model.dim=128"}))));
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("factorps: error: " + disk + "/run: checkpoints and model need "),
            std::string::npos)
      << result.err;
  EXPECT_TRUE(no_process_is_left());
}

/// Also by a number that suffices for MPI and a part of a training.
TEST_F(Training, SaysThatItMayNotOpenEnoughFiles) {
  const ProgramResult result =
      run_program({"sh", "-c", "ulimit -n 30; exec" + quoted(command_of(0, train("run")))});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("factorps: error: open files on "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(", the limit is 30; raise it"), std::string::npos) << result.err;
  const ProgramResult raised =
      run_program({"sh", "-c", "ulimit -S -n 30; exec" + quoted(command_of(0, train("run")))});
  EXPECT_EQ(raised.exit_code, 0) << raised.err;
}

TEST_F(Training, RefusesRanksWithDifferentConfigurationsDatasetsOrExecutables) {
  const auto other = directory_ / "other-build";
  std::filesystem::copy_file(executable(), other);
  std::ofstream{other, std::ios::app} << "another build";
  const auto two = [&](const std::string& program, const std::vector<std::string>& second) {
    std::vector<std::string> command = command_of(2, train("run"));
    command.insert(command.end(), {":", "-n", "1", program});
    command.insert(command.end(), second.begin(), second.end());
    return run_program(command);
  };
  const ProgramResult settings = two(executable(), train("run", {"train.seed=5"}));
  EXPECT_EQ(settings.exit_code, 2);
  EXPECT_NE(settings.err.find("factorps: error: rank 2 on "), std::string::npos) << settings.err;
  EXPECT_NE(settings.err.find("[train] seed = 5 instead of 1;"), std::string::npos) << settings.err;
  const ProgramResult builds = two(other, train("run"));
  EXPECT_EQ(builds.exit_code, 2);
  EXPECT_NE(builds.err.find(" runs another executable (checksum "), std::string::npos)
      << builds.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Training, DoesNotStartWhileAFileAsksItToStop) {
  const auto file = directory_.write("run/stop", "");
  const ProgramResult result = factorps_ranks(3, train("run"));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("factorps: error: " + file.string() + ": this run was asked to stop"),
            std::string::npos)
      << result.err;
  std::filesystem::remove(file);
  EXPECT_EQ(factorps(train("run")).exit_code, 0);
}

TEST_F(Training, EndsBeforeItsAllocationDoes) {
  const auto at = [](std::int64_t seconds) {
    ProgramOptions options;
    options.environment = {"FACTORPS_END_TIME=" + std::to_string(std::time(nullptr) + seconds)};
    return options;
  };
  const ProgramResult stopped = factorps(train("run"), at(30));
  EXPECT_EQ(stopped.exit_code, 75);
  const std::string log = read_text(directory_ / "run/log.txt");
  EXPECT_NE(log.find(" the allocation ends in "), std::string::npos) << log << stopped.err;
  const ProgramResult done = factorps(train("run", {}, {"--resume", "auto"}), at(100'000));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  ProgramOptions wrong;
  wrong.environment = {"SLURM_JOB_END_TIME=soon"};
  EXPECT_EQ(factorps(train("other"), wrong).exit_code, 2);
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
