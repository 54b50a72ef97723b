#include "common/process.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.hpp"

namespace factorps {
namespace {

volatile std::sig_atomic_t child = 0;
volatile std::sig_atomic_t stop_signal = 0;

void pass_on(int signal) {
  stop_signal = signal;
  if (child != 0) ::kill(child, SIGTERM);
}

/// Passes the signals on while it lives.
class SignalsPassedOn {
 public:
  SignalsPassedOn()
      : interrupt_{std::signal(SIGINT, pass_on)}, end_{std::signal(SIGTERM, pass_on)} {}
  SignalsPassedOn(const SignalsPassedOn&) = delete;
  SignalsPassedOn& operator=(const SignalsPassedOn&) = delete;
  ~SignalsPassedOn() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGTERM, end_);
    child = 0;
  }

 private:
  using Handler = void (*)(int);
  Handler interrupt_;
  Handler end_;
};

void require(int error, const std::string& what) {
  if (error != 0) throw ResourceError{what + ": " + std::generic_category().message(error)};
}

/// Where the standard streams of a child go.
class Streams {
 public:
  explicit Streams(const std::filesystem::path& log) {
    require(posix_spawn_file_actions_init(&actions_), "starting a program");
    constexpr int kMode = 0644;
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, kMode);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
  }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  ~Streams() { posix_spawn_file_actions_destroy(&actions_); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int exit_code_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    require(errno == EINTR ? 0 : errno, "waiting for a program");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_process(const std::vector<std::string>& command, const std::filesystem::path& log) {
  std::vector<std::string> words = command;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const Streams streams{log};
  const SignalsPassedOn signals;
  pid_t pid = 0;
  require(posix_spawnp(&pid, pointers.front(), streams.get(), nullptr, pointers.data(), environ),
          command.front());
  child = pid;
  if (stop_signal != 0) ::kill(pid, SIGTERM);  // it came before there was a child
  return exit_code_of(pid);
}

bool stop_requested() noexcept { return stop_signal != 0; }

}  // namespace factorps
