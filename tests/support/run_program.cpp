#include "tests/support/run_program.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace factorps::test {
namespace {

void require(int error, const std::string& what) {
  if (error != 0) throw std::system_error{error, std::generic_category(), what};
}

/// Where the child's standard streams go: files, so that no pipe can fill up.
class FileActions {
 public:
  FileActions() { require(posix_spawn_file_actions_init(&actions_), "file actions"); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int stream, const std::filesystem::path& file, int flags) {
    require(posix_spawn_file_actions_addopen(&actions_, stream, file.c_str(), flags, 0600),
            file.string());
  }
  void change_directory(const std::filesystem::path& directory) {
    require(posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str()), directory.string());
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// This process's environment, with entries of the same name replaced.
std::vector<std::string> merged_environment(const std::vector<std::string>& extra) {
  std::vector<std::string> merged = extra;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const std::string_view name_and_equals = text.substr(0, text.find('=') + 1);
    const auto replaces = [&](const std::string& own) { return own.starts_with(name_and_equals); };
    if (std::ranges::none_of(extra, replaces)) merged.emplace_back(text);
  }
  return merged;
}

/// Starts the program as the leader of its own process group. @return its process id
pid_t spawn(std::vector<std::string> command, const FileActions& actions,
            const std::vector<std::string>& extra_environment) {
  std::vector<std::string> environment = merged_environment(extra_environment);
  posix_spawnattr_t attributes;
  require(posix_spawnattr_init(&attributes), "spawn attributes");
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, command.front().c_str(), actions.get(), &attributes,
                                 pointers(command).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  require(error, command.front());
  return pid;
}

/// Launchers that end remove a directory that they share with those that start: each gets its own.
std::vector<std::string> with_session(std::vector<std::string> environment,
                                      const std::vector<std::string>& command,
                                      const std::filesystem::path& directory) {
  const auto launches = [](const std::filesystem::path& word) {
    return word.filename() == "mpirun";
  };
  if (std::ranges::any_of(command, launches)) {
    environment.push_back("OMPI_MCA_orte_tmpdir_base=" + directory.string());
  }
  return environment;
}

}  // namespace

Program::Program(std::vector<std::string> command, const ProgramOptions& options)
    : deadline_{std::chrono::steady_clock::now() + options.deadline} {
  FileActions actions;
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.open(STDOUT_FILENO, streams_ / "out", O_WRONLY | O_CREAT);
  actions.open(STDERR_FILENO, streams_ / "err", O_WRONLY | O_CREAT);
  if (!options.directory.empty()) actions.change_directory(options.directory);
  const auto environment = with_session(options.environment, command, streams_.path());
  pid_ = spawn(std::move(command), actions, environment);
}

Program::~Program() {
  if (!running()) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::signal(int number) const { ::kill(pid_, number); }

bool Program::running() {
  int status = 0;
  if (exit_code_ || ::waitpid(pid_, &status, WNOHANG) == 0) return !exit_code_;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

ProgramResult Program::wait() {
  while (running()) {
    if (std::chrono::steady_clock::now() > deadline_) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      exit_code_ = -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return {*exit_code_, read_text(streams_ / "out"), read_text(streams_ / "err")};
}

ProgramResult run_program(const std::vector<std::string>& command, const ProgramOptions& options) {
  return Program{command, options}.wait();
}

}  // namespace factorps::test
