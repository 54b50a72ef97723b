#include "tests/e2e/training_fixture.hpp"

#include <algorithm>
#include <charconv>
#include <ios>
#include <thread>

namespace factorps::test {
namespace {

constexpr std::chrono::seconds kPatience{60};

/// What a file of /proc says. @return empty if the process ends meanwhile
std::string read_of_process(const std::filesystem::path& file) {
  try {
    return read_text(file);
  } catch (const std::ios_base::failure&) {
    return {};
  }
}

int rank_of(const std::filesystem::path& process) {
  const std::string environment = '\0' + read_of_process(process / "environ");
  const std::string name = std::string(1, '\0') + "OMPI_COMM_WORLD_RANK=";
  const std::size_t at = environment.find(name);
  if (at == std::string::npos) return -1;
  return std::atoi(environment.c_str() + at + name.size());
}

}  // namespace

void Training::SetUp() {
  const ProgramResult generated =
      factorps({"generate", "--users", "300", "--items", "200", "--interactions", "20000", "--seed",
                "1", "--out", directory_ / "ratings"});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  config_ = directory_.write("run.toml",
                             "[data]\nsource = ['ratings.train.csv']\ntest = ['ratings.test.csv']\n"
                             "[grid]\nstrips = 8\nblocks = 8\n[model]\ndim = 16\n"
                             "[train]\nepochs = 6\n");
  const ProgramResult prepared = factorps({"prepare", config_});
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
}

void Training::set_epochs(std::size_t epochs) const {
  const std::string setting = "epochs = ";
  std::string text = read_text(config_);
  const std::size_t at = text.find(setting) + setting.size();
  text.replace(at, text.find('\n', at) - at, std::to_string(epochs));
  directory_.write("run.toml", text);
}

std::vector<std::string> Training::train(const std::string& run, const Settings& settings,
                                         const std::vector<std::string>& flags) const {
  std::vector<std::string> arguments{"train", config_, "--json", "--set",
                                     "run.dir=" + (directory_ / run).string()};
  for (const auto& setting : settings) {
    arguments.push_back("--set");
    arguments.push_back(setting);
  }
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}

nlohmann::json Training::trained(int ranks, const std::string& run, const Settings& settings,
                                 const std::vector<std::string>& flags) const {
  const ProgramResult result = run_program(command_of(ranks, train(run, settings, flags)));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(result.exit_code == 0 ? result.out : "{}");
}

std::size_t Training::epochs_of(const std::string& run) const {
  const std::string metrics = read_text(directory_ / run / "metrics.jsonl");
  return static_cast<std::size_t>(std::ranges::count(metrics, '\n'));
}

bool Training::reaches_epoch(Program& program, const std::string& run, std::size_t epochs) const {
  while (epochs_of(run) < epochs) {
    if (!program.running()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

std::vector<std::pair<int, int>> Training::processes() const {
  std::vector<std::pair<int, int>> found;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const std::string name = entry.path().filename();
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    const std::string command = read_of_process(entry.path() / "cmdline");
    if (command.find(directory_.path()) == std::string::npos) continue;
    found.emplace_back(pid, rank_of(entry.path()));
  }
  return found;
}

int Training::process_of_rank(int rank) const {
  const auto all = processes();
  const auto found = std::ranges::find(all, rank, &std::pair<int, int>::second);
  return found == all.end() ? 0 : found->first;
}

bool Training::no_process_is_left() const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!processes().empty()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

}  // namespace factorps::test
