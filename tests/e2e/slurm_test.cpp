/// slurm/*.sbatch under a real SLURM: launchers, restarts for every reason, arrays, chains, the end
/// of a job. Skipped where its daemons cannot run.
#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <regex>
#include <utility>

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
    if (cluster_ == nullptr) cluster_ = std::make_unique<SlurmCluster>(3);
    if (cluster_->exit_code() == 77 && !ran_before_) GTEST_SKIP() << cluster_->problem();
    ASSERT_EQ(cluster_->exit_code(), 0) << cluster_->problem();
    ran_before_ = true;
    Training::SetUp();
  }
  /// One SLURM does for all tests, as long as each leaves it as it was.
  void TearDown() override {
    if (cluster_->exit_code() == 0 && (HasFailure() || !cluster_->settles())) cluster_.reset();
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  /// Submits a script with its arguments. @return the number of the job
  std::string submit(const Words& options, const Words& script,
                     const std::string& launcher = "mpirun") {
    Words command{"sbatch", "--parsable", "--output=%x.out"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), script.begin(), script.end());
    ProgramOptions program;
    program.directory = directory_.path();
    program.environment = {"FACTORPS=" + executable(), "FACTORPS_LAUNCHER=" + launcher};
    return cluster_->client(command, program);
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

  /// Whether the training of a job has ended with a code that lets it go back into the queue.
  [[nodiscard]] bool ends_with(const std::string& run, int code) const {
    const std::string line = "ended with exit code " + std::to_string(code) + '\n';
    return eventually([&] { return output(run).find(line) != std::string::npos; });
  }

  [[nodiscard]] std::string hash_of(const std::string& run) const {
    const std::string summary = read_text(directory_ / run / "summary.json");
    return summary.empty() ? "none" : nlohmann::json::parse(summary).value("model_sha256", "none");
  }

  /// Whether the job goes back into the queue. There it stays until the test lets it continue.
  [[nodiscard]] bool waits(const std::string& job) const {
    if (!cluster_->reaches(job, "PENDING")) return false;
    cluster_->client({"scontrol", "update", "JobId=" + job, "StartTime=now+1hour"});
    return true;
  }
  void allow_two_epochs_more(const std::string& run) const { set_epochs(epochs_of(run) + 2); }
  /// The job waits to continue: it may do so, for two epochs more.
  void let_continue(const std::string& job, const std::string& run) const {
    allow_two_epochs_more(run);
    start_now(job);
  }
  /// SLURM lets jobs that were requeued wait for two minutes, with reason: nodes refuse a job that
  /// starts within the second in which they ended it ("Job credential revoked"), and its steps meet
  /// what is left of those before, which had the same numbers.
  void start_now(const std::string& job) const {
    EXPECT_TRUE(cluster_->is_ready_for(job));
    const std::time_t ended = std::time(nullptr);
    EXPECT_TRUE(eventually([&] { return std::time(nullptr) >= ended + 2; }));
    cluster_->client({"scontrol", "update", "JobId=" + job, "StartTime=now"});
  }

  /// The job ends well, having continued, with the model of a training that was never interrupted.
  void expect_continued(const std::string& job, const std::string& run) const {
    ASSERT_TRUE(eventually([&] {
      const std::string state = cluster_->field(job, "JobState");
      // A start may fail because a node is not quite back; the job then goes into the queue again.
      if (state == "PENDING" && cluster_->field(job, "Reason") == "BeginTime") start_now(job);
      return state == "COMPLETED";
    })) << output(run);
    EXPECT_NE(output(run).find("resuming after epoch"), std::string::npos) << output(run);
    EXPECT_EQ(hash_of(run), hash(0, "alone-" + run, {"checkpoint.every_epochs=0"})) << output(run);
  }

  static inline std::unique_ptr<SlurmCluster> cluster_;
  static inline bool ran_before_ = false;  // then it can run here
};

TEST_F(Slurm, ComputesTheSameBitsOnNodesWithEitherLauncher) {
  const std::string expected = hash(0, "alone");
  std::filesystem::remove(directory_ / "dataset.h5");  // the first job prepares it anew
  for (const std::string launcher : {"srun", "mpirun"}) {
    const std::string job = submit_training(launcher, launcher);
    ASSERT_TRUE(cluster_->reaches(job, "COMPLETED")) << output(launcher);
    EXPECT_EQ(hash_of(launcher), expected);
    const auto summary = nlohmann::json::parse(read_text(directory_ / launcher / "summary.json"));
    EXPECT_EQ(summary["nodes"], 3);
  }
}

/// Two jobs: SLURM warns the one by a signal, the other looks at the clock.
TEST_F(Slurm, ContinuesInTheQueueWhenTheAllocationEnds) {
  set_epochs(kEndless);
  const std::string warned = submit_training("warned", "mpirun", {"--time=1", "--signal=B:USR1@55"},
                                             {"train.reserve_seconds=0"});
  const std::string next = submit_command("next", "--version", {"--dependency=afterok:" + warned});
  // A shell that ignores the signal of this name, and a minute of which 15 s may be used.
  const std::string looking = submit_training("looking", "srun", {"--time=1", "--signal=B:URG@1"},
                                              {"train.reserve_seconds=45"});
  ASSERT_TRUE(ends_with("looking", 75)) << output("looking");
  EXPECT_NE(output("looking").find("the allocation ends in "), std::string::npos);
  ASSERT_TRUE(waits(looking)) << output("looking");
  let_continue(looking, "looking");
  expect_continued(looking, "looking");
  ASSERT_TRUE(ends_with("warned", 75)) << output("warned");
  EXPECT_NE(output("warned").find("asked to stop after epoch"), std::string::npos);
  ASSERT_TRUE(waits(warned)) << output("warned");
  EXPECT_EQ(cluster_->field(warned, "Restarts"), "1");
  EXPECT_EQ(cluster_->field(next, "JobState"), "PENDING");
  let_continue(warned, "warned");
  expect_continued(warned, "warned");
  EXPECT_TRUE(cluster_->reaches(next, "COMPLETED"));
}

TEST_F(Slurm, StopsForGoodWhenAFileAsksForIt) {
  set_epochs(kEndless);
  const std::string job = submit_training("run", "mpirun");
  ASSERT_TRUE(does_epochs("run", 2)) << output("run");
  const auto file = directory_.write("run/stop", "");
  ASSERT_TRUE(cluster_->reaches(job, "FAILED")) << output("run");
  EXPECT_EQ(cluster_->field(job, "ExitCode"), "75:0");
  EXPECT_NE(output("run").find("asked to stop by " + file.string()), std::string::npos);
  const std::string refused = submit_training("run", "mpirun");
  ASSERT_TRUE(cluster_->reaches(refused, "FAILED")) << output("run");
  EXPECT_EQ(cluster_->field(refused, "ExitCode"), "2:0");
  std::filesystem::remove(file);
  allow_two_epochs_more("run");
  expect_continued(submit_training("run", "mpirun"), "run");
}

TEST_F(Slurm, ContinuesWhenItIsRequeued) {
  set_epochs(kEndless);
  const std::string job = submit_training("run", "srun");
  ASSERT_TRUE(does_epochs("run", 3)) << output("run");
  cluster_->client({"scontrol", "requeue", job});
  ASSERT_TRUE(waits(job)) << output("run");
  let_continue(job, "run");
  expect_continued(job, "run");
}

/// SLURM ends the job at once, and the node may be there again before the job has ended.
TEST_F(Slurm, ContinuesWhenANodeIsDeclaredDown) {
  set_epochs(kEndless);
  const std::string job = submit_training("run", "mpirun");
  ASSERT_TRUE(does_epochs("run", 3)) << output("run");
  cluster_->client({"scontrol", "update", "NodeName=node3", "State=DOWN", "Reason=test"});
  ASSERT_TRUE(eventually([&] { return cluster_->field(job, "Restarts") == "1"; })) << output("run");
  cluster_->client({"scontrol", "update", "NodeName=node3", "State=RESUME"});
  ASSERT_TRUE(waits(job)) << output("run");
  let_continue(job, "run");
  expect_continued(job, "run");
}

/// Three jobs: one loses a node that only computes: its launcher hears of it and fails. One loses
/// the node of its batch script, one the slurmd of a node that goes on: SLURM must notice.
TEST_F(Slurm, ContinuesWhenANodeOrADaemonIsLost) {
  set_epochs(kEndless);
  const auto submit_on = [&](const std::string& run, const std::string& nodes) {
    return submit_training(run, "mpirun", {"--nodes=2", "--nodelist=" + nodes});
  };
  const std::string computing = submit_on("computing", "node1,node2");
  const std::string batch = submit_on("batch", "node2,node3");
  const std::string daemon = submit_on("daemon", "node1,node3");
  for (const auto* run : {"computing", "batch", "daemon"}) {
    ASSERT_TRUE(does_epochs(run, 3)) << output(run);
  }
  EXPECT_EQ(cluster_->field(batch, "BatchHost"), "node2");
  EXPECT_EQ(cluster_->field(daemon, "BatchHost"), "node1");
  cluster_->crash_daemon("node3");
  cluster_->kill_node("node2");
  ASSERT_TRUE(waits(computing)) << output("computing");
  ASSERT_TRUE(waits(batch)) << output("batch");
  ASSERT_TRUE(waits(daemon)) << output("daemon");
  cluster_->boot_node("node2");
  cluster_->boot_node("node3");
  ASSERT_TRUE(no_process_is_left());
  for (const auto& [job, run] :
       {std::pair{computing, "computing"}, {batch, "batch"}, {daemon, "daemon"}}) {
    let_continue(job, run);
    expect_continued(job, run);
  }
}

/// srun without an MPI plug-in starts tasks that know nothing of one another.
TEST_F(Slurm, RefusesTasksThatDoNotFindOneAnother) {
  const std::string job = submit({"--ntasks=3", "--job-name=tasks",
                                  "--wrap=srun --mpi=none " + executable() + " train " + config_},
                                 {});
  ASSERT_TRUE(cluster_->reaches(job, "FAILED")) << output("tasks");
  EXPECT_EQ(cluster_->field(job, "ExitCode"), "2:0");
  const std::string said = output("tasks");
  const std::string expected = "factorps: error: srun started 3 tasks (SLURM_STEP_NUM_TASKS)";
  EXPECT_NE(said.find(expected), std::string::npos) << said;
  EXPECT_EQ(said.find(expected), said.rfind(expected)) << said;
  EXPECT_NE(said.find("use srun --mpi=pmix"), std::string::npos) << said;
}

/// The three kinds of difference are unit tests; this is one on real nodes.
TEST_F(Slurm, NamesTheNodeThatHasAnotherExecutable) {
  const auto other = directory_ / "other-build";
  std::filesystem::copy_file(executable(), other);
  std::ofstream{other, std::ios::app} << "another build";
  const std::string choose = "case $SLURM_NODEID in 1) f=" + other.string() +
                             ";; *) f=" + executable() + ";; esac; exec $f train " + config_;
  const std::string job =
      submit({"--nodes=2", "--ntasks-per-node=2", "--job-name=builds",
              "--wrap=SLURM_PMIX_FENCE=ring srun --mpi=pmix bash -c '" + choose + "'"},
             {});
  ASSERT_TRUE(cluster_->reaches(job, "FAILED")) << output("builds");
  EXPECT_NE(output("builds").find("factorps: error: rank 2 on node2 runs another executable"),
            std::string::npos)
      << output("builds");
}

TEST_F(Slurm, LeavesNothingBehindWhenItIsCancelled) {
  set_epochs(kEndless);
  const auto expect_no_files = [&](const std::string& when) {
    for (const std::string node : {"node1", "node2", "node3"}) {
      const auto left = cluster_->shared_memory(node);
      EXPECT_TRUE(left.empty()) << when << ' ' << node << ": " << testing::PrintToString(left);
    }
  };
  expect_no_files("before");
  for (const std::string launcher : {"srun", "mpirun"}) {
    const std::string job = submit_training(launcher, launcher);
    ASSERT_TRUE(does_epochs(launcher, 2)) << output(launcher);
    EXPECT_FALSE(cluster_->shared_memory("node1").empty());
    cluster_->client({"scancel", job});
    EXPECT_TRUE(no_process_is_left());
    EXPECT_TRUE(cluster_->reaches(job, "CANCELLED"));
    expect_no_files("after " + launcher);
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
  ASSERT_TRUE(cluster_->reaches(means, "COMPLETED")) << output("means") << output("folds");
  const ProgramResult whole =
      factorps({"crossval", config_, "--json", "--folds", "2", "--set", "data.test=[]", "--set",
                "run.dir=" + (directory_ / "whole").string()});
  EXPECT_EQ(std::regex_replace(output("means"), std::regex{"/folds/"}, "/whole/"), whole.out)
      << whole.err;
  ASSERT_TRUE(cluster_->reaches(seeds + "_3", "COMPLETED"));
  ASSERT_TRUE(cluster_->reaches(seeds + "_4", "COMPLETED"));
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
  ASSERT_TRUE(cluster_->reaches(collected, "COMPLETED"))
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
  cluster_->client({"scontrol", "release", prepared});
  ASSERT_TRUE(cluster_->reaches(recommended, "COMPLETED")) << output("evaluate") << output("run");
  EXPECT_EQ(output("run").find("prepare"), std::string::npos);
  EXPECT_EQ(output("evaluate"),
            factorps({"evaluate", "--json", "--config", config_, "--set", "run.dir=" + run}).out);
  EXPECT_GT(std::ranges::count(output("recommend"), '\n'), 300);
  const std::string failing = submit_command("failing", "evaluate no-such-model.h5 x.h5");
  const std::string never = submit_command("never", "--version", after(failing));
  EXPECT_TRUE(cluster_->reaches(never, "CANCELLED"));
}

}  // namespace
}  // namespace factorps::test
