/// `train --trace`: the file of a real job, against what the job says about itself elsewhere.
#include <csignal>
#include <map>
#include <set>
#include <sstream>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

using nlohmann::json;

constexpr int kEpochs = 6;
constexpr int kCells = 64;  // 8 strips x 8 blocks

class Trace : public Training {
 protected:
  [[nodiscard]] json trace_of(int ranks, const Settings& settings = {}) const {
    static_cast<void>(trained(ranks, "run", settings, {"--trace", directory_ / "trace.json"}));
    return json::parse(read_text(directory_ / "trace.json"));
  }
  /// Lines of metrics.jsonl.
  [[nodiscard]] std::vector<json> metrics() const {
    std::istringstream lines{read_text(directory_ / "run/metrics.jsonl")};
    std::vector<json> epochs;
    for (std::string line; std::getline(lines, line);) epochs.push_back(json::parse(line));
    return epochs;
  }
};

/// Events of this name, in their order.
std::vector<json> named(const json& trace, const std::string& name) {
  std::vector<json> found;
  for (const json& event : trace["traceEvents"]) {
    if (event["name"] == name) found.push_back(event);
  }
  return found;
}

/// The name of each thread that was given one. By tid.
std::map<int, std::string> names_of_threads(const json& trace) {
  std::map<int, std::string> names;
  for (const json& event : named(trace, "thread_name")) {
    names[event["tid"].get<int>()] = event["args"]["name"].get<std::string>();
  }
  return names;
}

void expect_each_cell_once_per_epoch(const json& trace) {
  std::set<std::tuple<int, int, int>> cells;
  for (const json& cell : named(trace, "cell")) {
    const json& a = cell["args"];
    EXPECT_TRUE(
        cells.emplace(a["epoch"].get<int>(), a["strip"].get<int>(), a["block"].get<int>()).second);
  }
  EXPECT_EQ(cells.size(), static_cast<std::size_t>(kEpochs * kCells));
}

void expect_no_overlap_on_a_thread(const json& trace) {
  std::map<std::pair<int, int>, double> end_of_last;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    double& end = end_of_last[{event["pid"].get<int>(), event["tid"].get<int>()}];
    const double start = event["ts"].get<double>();
    EXPECT_GE(start, end - 1e-4) << event;  // a tenth of the last digit
    end = start + event["dur"].get<double>();
  }
}

TEST_F(Trace, ShowsEveryCellOnceAndNoTwoAtATime) {
  for (const int ranks : {0, 4}) {
    const json trace = trace_of(ranks);
    EXPECT_EQ(trace["otherData"], (json{{"clock_error_us", 0.0}, {"dropped_events", 0}}));
    expect_each_cell_once_per_epoch(trace);
    expect_no_overlap_on_a_thread(trace);
    EXPECT_EQ(named(trace, "train").size(), static_cast<std::size_t>(kEpochs));
    EXPECT_FALSE(named(trace, "save").empty());
  }
}

TEST_F(Trace, AgreesWithTheMetrics) {
  const json trace = trace_of(4, {"cluster.servers=1"});
  const auto threads = names_of_threads(trace);
  EXPECT_EQ(threads.at(0), "scheduler (rank 0)");
  EXPECT_EQ(threads.at(1), "server 0 (rank 1)");
  EXPECT_EQ(threads.at(3), "worker 1 (rank 3)");
  std::map<std::pair<int, int>, std::pair<int, double>> sums;  // [epoch, tid] cells, microseconds
  for (const json& cell : named(trace, "cell")) {
    auto& [count, time] = sums[{cell["args"]["epoch"].get<int>(), cell["tid"].get<int>()}];
    ++count;
    time += cell["dur"].get<double>();
  }
  for (const json& line : metrics()) {
    int worker = 2;  // roles before the first
    for (const json& metric : line["workers"]) {
      const auto& [count, time] = sums[{line["epoch"].get<int>(), worker++}];
      EXPECT_EQ(metric["cells"], count);
      // The trace has whole nanoseconds, as the clock has: only the sums are rounded.
      EXPECT_NEAR(metric["compute_seconds"].get<double>(), time * 1e-6, 1e-9);
    }
  }
}

TEST_F(Trace, ShowsBlocksThatCross) {
  const json trace = trace_of(4, {"cluster.node_size=2"});
  std::map<std::string, std::map<int, std::uint64_t>> bytes;  // by name and epoch
  for (const char* name : {"send block", "receive block"}) {
    for (const json& event : named(trace, name)) {
      if (event["ph"] != "b") continue;
      bytes[name][event["args"]["epoch"].get<int>()] += event["args"]["bytes"].get<std::uint64_t>();
    }
  }
  for (const json& line : metrics()) {
    const json& moved = line["block_bytes"];
    const std::uint64_t expected =
        moved["train"].get<std::uint64_t>() + moved["evaluate"].get<std::uint64_t>();
    const int epoch = line["epoch"].get<int>();
    if (epoch == kEpochs) continue;  // the passes at the end evaluate this one too
    EXPECT_EQ(bytes["send block"][epoch], expected);
    EXPECT_EQ(bytes["receive block"][epoch], expected);
  }
  EXPECT_EQ(named(trace, "process_name").back()["pid"], 1);
}

TEST_F(Trace, ChangesNoBitOfTheModel) {
  const std::string expected = hash(0, "plain");
  EXPECT_EQ(hash(4, "run", {"cluster.node_size=2"}, {"--trace", directory_ / "t.json"}), expected);
}

TEST_F(Trace, IsWrittenWhenTrainingStopsEarly) {
  Program program{command_of(
      0, train("run", {"train.epochs=1000000"}, {"--trace", directory_ / "run/trace.json"}))};
  ASSERT_TRUE(reaches_epoch(program, "run", 2)) << program.wait().err;
  program.signal(SIGUSR1);
  const ProgramResult stopped = program.wait();
  ASSERT_EQ(stopped.exit_code, 75) << stopped.err;
  const json trace = json::parse(read_text(directory_ / "run/trace.json"));
  EXPECT_GE(named(trace, "cell").size(), static_cast<std::size_t>(2 * kCells));
}

TEST_F(Trace, RefusesAFileItCannotWriteBeforeItTrains) {
  const ProgramResult missing =
      run_program(command_of(0, train("run", {}, {"--trace", directory_ / "none/trace.json"})));
  EXPECT_EQ(missing.exit_code, 5);
  EXPECT_EQ(missing.err, "factorps: error: " + (directory_ / "none/trace.json").string() +
                             ": cannot create: No such file or directory\n");
  static_cast<void>(trained(0, "run"));
  const ProgramResult own =
      run_program(command_of(0, train("run", {}, {"--trace", directory_ / "run/metrics.jsonl"})));
  EXPECT_EQ(own.exit_code, 2);
  EXPECT_EQ(epochs_of("run"), static_cast<std::size_t>(kEpochs));
}

}  // namespace
}  // namespace factorps::test
