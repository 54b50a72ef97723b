/// Training on several machines, each a set of namespaces of this one: own address, host name and
/// shared memory, TCP between them. Skipped where namespaces are not allowed.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

class Network : public Training {
 protected:
  void SetUp() override {
    const ProgramResult result = run_program(
        {FACTORPS_NETWORK_HOSTS, "--hosts", "2", "--rate", "1gbit", "--", "-n", "2", "true"});
    if (result.exit_code == 77) GTEST_SKIP() << result.err;
    ASSERT_EQ(result.exit_code, 0) << result.err;
    Training::SetUp();
  }
  /// Whether all ranks end, on both hosts; their launcher may go on.
  [[nodiscard]] bool no_rank_is_left() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (std::chrono::steady_clock::now() < end) {
      const auto all = processes();
      if (std::ranges::none_of(all, [](const auto& one) { return one.second >= 0; })) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
  }
  /// Takes down the network of the host of a rank.
  void cut_off(int rank) const {
    const int there = process_of_rank(rank);
    ASSERT_NE(there, 0);
    const ProgramResult cut =
        run_program({"nsenter", "--net=/proc/" + std::to_string(there) + "/ns/net", "ip", "link",
                     "set", "net0", "down"});
    ASSERT_EQ(cut.exit_code, 0) << cut.err;
  }
  using Limits = std::vector<std::string>;  // of scripts/network-hosts

  /// The command that runs `factorps ARGUMENTS` on hosts with as many ranks on each.
  [[nodiscard]] static std::vector<std::string> on_hosts(int hosts,
                                                         const std::vector<std::string>& arguments,
                                                         const Limits& limits = {},
                                                         int ranks_of_host = 2) {
    std::vector<std::string> command{FACTORPS_NETWORK_HOSTS, "--hosts", std::to_string(hosts)};
    command.insert(command.end(), limits.begin(), limits.end());
    command.insert(command.end(), {"--", "-n", std::to_string(ranks_of_host * hosts)});
    const auto program = command_of(0, arguments);
    command.insert(command.end(), program.begin(), program.end());
    return command;
  }
};

TEST_F(Network, ComputesTheSameBitsOnAnyNumberOfHostsAtAnyRate) {
  const std::string expected = hash(0, "alone");
  const Limits unlimited;
  for (const auto& [hosts, limits] :
       {std::pair{2, unlimited}, {3, unlimited}, {4, unlimited}, {2, Limits{"--rate", "1gbit"}}}) {
    const ProgramResult result = run_program(on_hosts(hosts, train("run"), limits));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto summary = nlohmann::json::parse(result.out);
    EXPECT_EQ(summary["model_sha256"], expected) << hosts << " hosts";
    EXPECT_EQ(summary["nodes"], hosts);
  }
}

TEST_F(Network, TrainsOnFourHostsWhatDoesNotFitTheMemoryOfOne) {
  constexpr int kItems = 120'000;
  const auto prefix = (directory_ / "large").string();
  ASSERT_EQ(factorps({"generate", "--users", "2000", "--items", std::to_string(kItems),
                      "--interactions", "300000", "--seed", "1", "--out", prefix})
                .exit_code,
            0);
  const std::vector<std::string> large{"data.source=" + prefix + ".train.csv",
                                       "data.dataset=" + (directory_ / "large.h5").string(),
                                       "data.test=" + prefix + ".test.csv",
                                       "grid.strips=8",
                                       "grid.blocks=16",
                                       "model.dim=128",
                                       "train.epochs=1",
                                       "checkpoint.background=false"};
  std::vector<std::string> prepare{"prepare", config_};
  for (const std::string& setting : large) prepare.insert(prepare.end(), {"--set", setting});
  const ProgramResult prepared = factorps(prepare);
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  const auto training = train("run", large);
  // The items that occur are more than 70 000 rows of 520 bytes: 35 MiB.
  const Limits limits{"--shm", "32m"};
  const ProgramResult one = run_program(on_hosts(1, training, limits));
  EXPECT_EQ(one.exit_code, 5) << one.err;
  EXPECT_NE(one.err.find("/dev/shm: the tables need"), std::string::npos) << one.err;
  const ProgramResult four = run_program(on_hosts(4, training, limits));
  ASSERT_EQ(four.exit_code, 0) << four.err;
  EXPECT_EQ(nlohmann::json::parse(four.out)["model_sha256"], hash(0, "alone", large));
}

TEST_F(Network, EndsOnEveryHostWhenARankIsKilled) {
  Program program{on_hosts(2, train("run", {"train.epochs=1000000"}))};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  const int victim = process_of_rank(2);  // it moves the blocks of the second host
  ASSERT_NE(victim, 0);
  ::kill(victim, SIGKILL);
  EXPECT_GT(program.wait().exit_code, 0) << "still running";
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Network, NamesAHostOnWhichNobodyMoves) {
  ProgramOptions options;
  options.environment = {"FACTORPS_FAULTS=freeze rank=2 epoch=2; freeze rank=3 epoch=2"};
  const ProgramResult result = run_program(
      on_hosts(2, train("run", {"train.epochs=1000000", "cluster.watchdog_seconds=2"})), options);
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_NE(
      result.err.find("\nfactorps: where those of machine h2 (rank 2 and 1 more) were when it "
                      "was last heard:\n  rank 2"),
      std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("factorps: error: machine h2 (rank 2 and 1 more) has said nothing for "
                            "3 s (cluster.watchdog_seconds): "),
            std::string::npos)
      << result.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Network, NamesAHostThatStandsStillBetweenPasses) {
  const Settings settings{"cluster.watchdog_seconds=2", "checkpoint.background=false"};
  for (const auto& [fault, who] :
       {std::pair{"freeze rank=1 checkpoint=writing", "machine h2 (rank 1) has said nothing"},
        std::pair{"freeze rank=0 checkpoint=manifest", "machine h1 (rank 0) has said nothing"}}) {
    ProgramOptions options;
    options.environment = {std::string{"FACTORPS_FAULTS="} + fault};
    const ProgramResult result =
        run_program(on_hosts(2, train("run", settings, {"--overwrite"}), {}, 1), options);
    EXPECT_EQ(result.exit_code, 5) << result.err;
    EXPECT_NE(result.err.find(who), std::string::npos) << result.err;
    EXPECT_TRUE(no_process_is_left());
  }
}

/// Its first rank hangs in a pipe that nobody reads, the second host stands still.
TEST_F(Network, NamesAHostThatStandsStillInEvaluateAndRecommend) {
  static_cast<void>(trained(0, "run"));
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string model = directory_ / "run/model.h5";
  const std::vector<std::string> same{"--config", config_, "--set", "cluster.watchdog_seconds=2"};
  for (std::vector<std::string> command :
       {std::vector<std::string>{"recommend", model, "--all", "-k", "100", "--out", pipe},
        {"evaluate", model, "--at", "10", "--per-user", pipe}}) {
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    ASSERT_GE(::fcntl(reader, F_SETPIPE_SZ, 4096), 0);  // less than either writes
    command.insert(command.end(), same.begin(), same.end());
    Program program{on_hosts(2, command, {}, 1)};
    pollfd written{reader, POLLIN, 0};
    ASSERT_EQ(::poll(&written, 1, 60'000), 1) << "nothing was written";
    const int second = process_of_rank(1);
    ASSERT_NE(second, 0);
    ::kill(second, SIGSTOP);
    const ProgramResult result = program.wait();
    EXPECT_EQ(result.exit_code, 5) << result.err;
    EXPECT_NE(result.err.find("machine h2 (rank 1) has said nothing for 3 s"), std::string::npos)
        << result.err;
    EXPECT_TRUE(no_process_is_left());
    ::close(reader);
  }
}

TEST_F(Network, NamesAHostThatIsCutOff) {
  Program program{
      on_hosts(2, train("run", {"train.epochs=1000000", "cluster.watchdog_seconds=2"}))};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  cut_off(2);
  EXPECT_TRUE(no_rank_is_left());
  program.signal(SIGKILL);  // mpirun waits for its daemon on the other host, for many minutes
  const ProgramResult result = program.wait();
  EXPECT_NE(result.err.find("machine h2 (rank 2 and 1 more) has said nothing for 3 s"),
            std::string::npos)
      << result.err;
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Network, ContinuesByItselfWhenAHostIsCutOff) {
  set_epochs(1'000'000);
  ProgramOptions options;
  options.environment = {"FACTORPS=" + executable()};
  Program program{
      {FACTORPS_RUN_UNTIL_DONE, config_, "--set", "run.dir=" + (directory_ / "run").string(), "--",
       FACTORPS_NETWORK_HOSTS, "--hosts", "2", "--", "-n", "4"},
      options};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  cut_off(2);
  set_epochs(epochs_of("run") + 3);  // blocks travel between the hosts, so no epoch ends any more
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("run-until-done: mpirun lost the connection to a machine"),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.out.find("ended with exit code 205; continues\n"), std::string::npos)
      << result.out;
  EXPECT_EQ(nlohmann::json::parse(read_text(directory_ / "run/summary.json"))["model_sha256"],
            hash(0, "alone"));
}

TEST_F(Network, ContinuesOnOtherHostsWhatASignalStopped) {
  Program program{on_hosts(2, train("run", {"train.epochs=1000000"}))};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  program.signal(SIGUSR1);
  const ProgramResult stopped = program.wait();
  ASSERT_EQ(stopped.exit_code, 75) << stopped.err;
  const std::string epochs = "train.epochs=" + std::to_string(epochs_of("run") + 2);
  const ProgramResult resumed =
      run_program(on_hosts(3, train("run", {epochs}, {"--resume", "auto"})));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(nlohmann::json::parse(resumed.out)["model_sha256"], hash(0, "whole", {epochs}));
}

}  // namespace
}  // namespace factorps::test
