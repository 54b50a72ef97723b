#include "tests/e2e/slurm_cluster.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <unistd.h>

namespace factorps::test {
namespace {

constexpr std::chrono::seconds kToSettle{15};
constexpr std::chrono::milliseconds kPause{50};  // each question is a process on a busy machine

/// "export NAME=VALUE" lines.
std::vector<std::string> settings_of(const std::string& exports) {
  std::vector<std::string> settings;
  std::istringstream lines{exports};
  for (std::string line; std::getline(lines, line);) settings.push_back(line.substr(7));
  return settings;
}

/// Whether nothing but a restart changes it.
bool has_ended(const std::string& state) {
  constexpr std::array kEnds{"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"};
  return std::ranges::find(kEnds, state) != kEnds.end();
}

bool wanted() {
  const char* answer = std::getenv("FACTORPS_SLURM_TESTS");
  return answer == nullptr || std::string_view{answer} != "0";
}

ProgramResult not_wanted() {
  ProgramResult result;
  result.exit_code = 77;
  result.err = "no SLURM is started: FACTORPS_SLURM_TESTS=0";
  return result;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

SlurmCluster::SlurmCluster(int nodes)
    : nodes_{nodes},
      started_{wanted() ? control({"start", "--nodes", std::to_string(nodes), "--owner",
                                   std::to_string(::getpid())})
                        : not_wanted()} {
  if (started_.exit_code == 0) environment_ = settings_of(control({"env"}).out);
}

SlurmCluster::~SlurmCluster() {
  if (wanted()) static_cast<void>(control({"stop"}));
}

ProgramResult SlurmCluster::control(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin() + 1, directory_ / "slurm");
  arguments.insert(arguments.begin(), FACTORPS_SLURM_TEST_CLUSTER);
  return run_program(arguments);
}

std::string SlurmCluster::client(const std::vector<std::string>& command,
                                 ProgramOptions options) const {
  options.environment.insert(options.environment.end(), environment_.begin(), environment_.end());
  ProgramResult result = run_program(command, options);
  if (result.exit_code != 0) throw std::runtime_error{command[0] + ": " + result.err};
  if (result.out.ends_with('\n')) result.out.pop_back();
  return std::move(result.out);
}

std::string SlurmCluster::field(const std::string& job, const std::string& name) const {
  std::istringstream words{client({"scontrol", "--oneliner", "show", "job", job})};
  for (std::string word; words >> word;) {
    if (word.starts_with(name + '=')) return word.substr(name.size() + 1);
  }
  return {};
}

bool SlurmCluster::reaches(const std::string& job, const std::string& state) const {
  std::string now;
  static_cast<void>(eventually([&] {
    now = field(job, "JobState");
    return now == state || has_ended(now);
  }));
  return now == state;
}

int SlurmCluster::nodes_in(const std::set<std::string>& states) const {
  std::istringstream lines{client({"sinfo", "--noheader", "--Node", "--format=%T"})};
  int nodes = 0;
  for (std::string state; std::getline(lines, state);) nodes += states.contains(state) ? 1 : 0;
  return nodes;
}

bool SlurmCluster::is_ready_for(const std::string& job) const {
  return eventually([&] {
    return nodes_in({"idle", "mixed", "allocated"}) == nodes_ &&
           control({"steps", job}).out.empty();
  });
}

bool SlurmCluster::settles() const {
  client({"scancel", "--user", "root"});
  return eventually(
      [&] {
        return nodes_in({"idle"}) == nodes_ && client({"squeue", "--noheader"}).empty();
      },
      kToSettle);
}

void SlurmCluster::kill_node(const std::string& node) const {
  static_cast<void>(control({"kill", node}));
}

void SlurmCluster::crash_daemon(const std::string& node) const {
  static_cast<void>(control({"crash", node}));
}

void SlurmCluster::boot_node(const std::string& node) const {
  static_cast<void>(control({"boot", node}));
}

std::vector<std::string> SlurmCluster::shared_memory(const std::string& node) const {
  // The file names the process that made the node; its child is the node's first.
  const std::string maker =
      std::to_string(std::stoi(read_text(directory_ / "slurm" / (node + ".pid"))));
  const std::string first = read_text("/proc/" + maker + "/task/" + maker + "/children");
  std::vector<std::string> names;
  const std::string root = "/proc/" + std::to_string(std::stoi(first)) + "/root";
  for (const auto& file : std::filesystem::directory_iterator{root + "/dev/shm"}) {
    names.push_back(file.path().filename());
  }
  return names;
}

}  // namespace factorps::test
