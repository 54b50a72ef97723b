/// slurm/*.sbatch under a real SLURM: launchers, restarts for every reason, arrays, chains, the end
/// of a job. Skipped where its daemons cannot run.
#include <algorithm>
#include <regex>

#include <gtest/gtest.h>

#include "tests/e2e/slurm_cluster.hpp"
#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

constexpr std::size_t kEndless = 1'000'000;

class Slurm : public Training {
 protected:
  using Words = std::vector<std::string>;

  void SetUp() override {
    if (cluster_.exit_code() == 77) GTEST_SKIP() << cluster_.problem();
    ASSERT_EQ(cluster_.exit_code(), 0) << cluster_.problem();
    Training::SetUp();
  }

  /// Submits a script with its arguments. @return the number of the job
  std::string submit(const Words& options, const Words& script,
                     const std::string& launcher = "mpirun") {
    Words command{"sbatch", "--parsable", "--output=%x.out"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), script.begin(), script.end());
    ProgramOptions program;
    program.directory = directory_.path();
    program.environment = {"FACTORPS=" + executable(), "FACTORPS_LAUNCHER=" + launcher};
    return cluster_.client(command, program);
  }

  /// train.sbatch on three nodes with two ranks each; what it prints goes to RUN.out.
  std::string submit_training(const std::string& run, const std::string& launcher,
                              const Words& options = {}, const Settings& settings = {}) {
    Words all{"--nodes=3", "--ntasks-per-node=2", "--job-name=" + run};
    all.insert(all.end(), options.begin(), options.end());
    Words script{FACTORPS_BATCH_SCRIPT, config_, "--set", "run.dir=" + (directory_ / run).string()};
    for (const auto& setting : settings) script.insert(script.end(), {"--set", setting});
    return submit(all, script, launcher);
  }

  /// A command of one process.
  std::string submit_command(const std::string& name, const std::string& arguments,
                             const Words& options = {}) {
    Words all{"--job-name=" + name, "--wrap=" + executable() + ' ' + arguments};
    all.insert(all.end(), options.begin(), options.end());
    return submit(all, {});
  }

  [[nodiscard]] std::string output(const std::string& name) const {
    return read_text(directory_ / (name + ".out"));
  }

  [[nodiscard]] bool does_epochs(const std::string& run, std::size_t epochs) const {
    return eventually([&] { return epochs_of(run) >= epochs; });
  }

  [[nodiscard]] std::string hash_of(const std::string& run) const {
    const std::string summary = read_text(directory_ / run / "summary.json");
    return summary.empty() ? "none" : nlohmann::json::parse(summary).value("model_sha256", "none");
  }

  /// The job waits to continue: it may do so, for two epochs more.
  void let_continue(const std::string& job, const std::string& run) {
    set_epochs(epochs_of(run) + 2);
    start_now(job);
  }

  /// SLURM lets jobs that were requeued wait for two minutes.
  void start_now(const std::string& job) const {
    cluster_.client({"scontrol", "update", "JobId=" + job, "StartTime=now"});
  }

  /// The job ends well, having continued, with the model of a training that was never interrupted.
  void expect_continued(const std::string& job, const std::string& run) const {
    ASSERT_TRUE(eventually([&] {
      const std::string state = cluster_.field(job, "JobState");
      // A start may fail because a node is not quite back; the job then goes into the queue again.
      if (state == "PENDING" && cluster_.field(job, "Reason") == "BeginTime") start_now(job);
      return state == "COMPLETED";
    })) << output(run);
    EXPECT_NE(output(run).find("resuming after epoch"), std::string::npos) << output(run);
    EXPECT_EQ(hash_of(run), hash(0, "alone", {"checkpoint.every_epochs=0"})) << output(run);
  }

  SlurmCluster cluster_{3};
};

TEST_F(Slurm, ComputesTheSameBitsOnNodesWithEitherLauncher) {
  const std::string expected = hash(0, "alone");
  std::filesystem::remove(directory_ / "dataset.h5");  // the first job prepares it anew
  for (const std::string launcher : {"srun", "mpirun"}) {
    const std::string job = submit_training(launcher, launcher);
    ASSERT_TRUE(cluster_.reaches(job, "COMPLETED")) << output(launcher);
    EXPECT_EQ(hash_of(launcher), expected);
    const auto summary = nlohmann::json::parse(read_text(directory_ / launcher / "summary.json"));
    EXPECT_EQ(summary["nodes"], 3);
  }
}

TEST_F(Slurm, ContinuesInTheQueueWhenTheTimeLimitComesNear) {
  set_epochs(kEndless);
  const std::string job = submit_training("run", "mpirun", {"--time=1", "--signal=B:USR1@55"});
  const std::string next = submit_command("next", "--version", {"--dependency=afterok:" + job});
  ASSERT_TRUE(eventually([&] { return output("run").find("exit code 75") != std::string::npos; }))
      << output("run");
  ASSERT_TRUE(cluster_.reaches(job, "PENDING")) << output("run");
  EXPECT_EQ(cluster_.field(job, "Restarts"), "1");
  EXPECT_EQ(cluster_.field(next, "JobState"), "PENDING");
  let_continue(job, "run");
  expect_continued(job, "run");
  EXPECT_TRUE(cluster_.reaches(next, "COMPLETED"));
}

TEST_F(Slurm, ContinuesWhenItIsRequeued) {
  set_epochs(kEndless);
  const std::string job = submit_training("run", "srun");
  ASSERT_TRUE(does_epochs("run", 3)) << output("run");
  cluster_.client({"scontrol", "requeue", job});
  ASSERT_TRUE(cluster_.reaches(job, "PENDING")) << output("run");
  let_continue(job, "run");
  expect_continued(job, "run");
}

/// The launcher hears of it and fails; the batch script goes back into the queue.
TEST_F(Slurm, ContinuesWhenANodeIsLost) {
  set_epochs(kEndless);
  const std::string job = submit_training("run", "mpirun");
  ASSERT_TRUE(does_epochs("run", 3)) << output("run");
  cluster_.kill_node("node3");
  ASSERT_TRUE(cluster_.reaches(job, "PENDING")) << output("run");
  ASSERT_TRUE(no_process_is_left());
  cluster_.boot_node("node3");
  let_continue(job, "run");
  expect_continued(job, "run");
}

/// SLURM itself must notice, because nobody is left to tell it.
TEST_F(Slurm, LeavesNothingBehindWhenItIsCancelled) {
  set_epochs(kEndless);
  for (const std::string launcher : {"srun", "mpirun"}) {
    const std::string job = submit_training(launcher, launcher);
    ASSERT_TRUE(does_epochs(launcher, 2)) << output(launcher);
    EXPECT_FALSE(cluster_.shared_memory("node1").empty());
    cluster_.client({"scancel", job});
    EXPECT_TRUE(no_process_is_left());
    EXPECT_TRUE(cluster_.reaches(job, "CANCELLED"));
    for (const std::string node : {"node1", "node2", "node3"}) {
      EXPECT_TRUE(cluster_.shared_memory(node).empty()) << node;
    }
  }
}

TEST_F(Slurm, TrainsSeedsAndFoldsInArrays) {
  const std::string base = (directory_ / "folds").string();
  const Words task{"--nodes=1", "--ntasks-per-node=3"};
  Words options = task;
  options.insert(options.end(), {"--array=1-2", "--job-name=folds"});
  const std::string folds =
      submit(options, {FACTORPS_BATCH_SCRIPT, config_, "--set", "data.test=[]", "--set",
                       "split.method=folds", "--set", "split.folds=2", "--set", "split.fold={task}",
                       "--set", "run.dir=" + base + "/fold-{task}", "--set",
                       "data.dataset=" + base + "/fold-{task}/dataset.h5"});
  const std::string means = submit_command(
      "means",
      "crossval --resume --json --folds 2 " + config_ + " --set data.test=[] --set run.dir=" + base,
      {"--dependency=afterok:" + folds});
  const std::string seeds =
      submit_training("seed-{task}", "mpirun", {"--array=3,4", "--nodes=1"}, {"train.seed={task}"});
  ASSERT_TRUE(cluster_.reaches(means, "COMPLETED")) << output("means") << output("folds");
  const ProgramResult whole =
      factorps({"crossval", config_, "--json", "--folds", "2", "--set", "data.test=[]", "--set",
                "run.dir=" + (directory_ / "whole").string()});
  EXPECT_EQ(std::regex_replace(output("means"), std::regex{"/folds/"}, "/whole/"), whole.out)
      << whole.err;
  ASSERT_TRUE(cluster_.reaches(seeds + "_3", "COMPLETED"));
  ASSERT_TRUE(cluster_.reaches(seeds + "_4", "COMPLETED"));
  EXPECT_EQ(hash_of("seed-3"), hash(0, "alone", {"train.seed=3"}));
  EXPECT_NE(hash_of("seed-3"), hash_of("seed-4"));
}

TEST_F(Slurm, MeasuresScalingInAnArray) {
  const Settings settings{"scaling.layouts=['1x1', '2x1']", "scaling.repetitions=1",
                          "run.dir=" + (directory_ / "scaling").string()};
  const auto part = [&](const Words& options, const std::string& flag) {
    Words script{FACTORPS_SCALING_SCRIPT, config_};
    if (!flag.empty()) script.push_back(flag);
    for (const auto& setting : settings) script.insert(script.end(), {"--set", setting});
    Words all{"--job-name=scaling" + flag};
    all.insert(all.end(), options.begin(), options.end());
    return submit(all, script);
  };
  const std::string prepared = part({}, "--prepare");
  const std::string runs = part(
      {"--dependency=afterok:" + prepared, "--array=0-1", "--nodes=2", "--ntasks-per-node=3"}, "");
  const std::string collected = part({"--dependency=afterok:" + runs}, "--collect");
  ASSERT_TRUE(cluster_.reaches(collected, "COMPLETED"))
      << output("scaling--prepare") << output("scaling") << output("scaling--collect");
  EXPECT_NE(output("scaling--collect").find("speed-up"), std::string::npos)
      << output("scaling--collect");
}

TEST_F(Slurm, DoesTheStepsOfAChainInTheirOrder) {
  const std::string run = (directory_ / "run").string();
  std::filesystem::remove(directory_ / "dataset.h5");
  const auto after = [](const std::string& job) {
    return Words{"--dependency=afterok:" + job, "--kill-on-invalid-dep=yes"};
  };
  const std::string prepared = submit_command("prepare", "prepare " + config_, {"--hold"});
  const std::string trained = submit_training("run", "mpirun", after(prepared));
  const std::string set = ' ' + config_ + " --set run.dir=" + run;
  const std::string evaluated =
      submit_command("evaluate", "evaluate --json --config" + set, after(trained));
  const std::string recommended =
      submit_command("recommend", "recommend --all -k 3 --config" + set, after(evaluated));
  cluster_.client({"scontrol", "release", prepared});
  ASSERT_TRUE(cluster_.reaches(recommended, "COMPLETED")) << output("evaluate") << output("run");
  EXPECT_EQ(output("run").find("prepare"), std::string::npos);
  EXPECT_EQ(output("evaluate"),
            factorps({"evaluate", "--json", "--config", config_, "--set", "run.dir=" + run}).out);
  EXPECT_GT(std::ranges::count(output("recommend"), '\n'), 300);
  const std::string failing = submit_command("failing", "evaluate no-such-model.h5 x.h5");
  const std::string never = submit_command("never", "--version", after(failing));
  EXPECT_TRUE(cluster_.reaches(never, "CANCELLED"));
}

}  // namespace
}  // namespace factorps::test
