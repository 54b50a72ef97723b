/// Start-up, and the one place where an error ends a job.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include <fmt/core.h>

#include "apps/command_line.hpp"
#include "apps/inject_faults.hpp"
#include "apps/stop_signals.hpp"
#include "comm/environment.hpp"
#include "comm/launcher.hpp"

namespace factorps::apps {
namespace {

// Most errors meet every rank at once. The first one speaks at once, and what ends the others for
// that takes the launcher one to two seconds.
constexpr std::chrono::milliseconds kHeadStart{3000};

const char* variable(const char* name) { return std::getenv(name); }

/// Whether several tasks of a subcommand that do not know of one another would spoil its files.
bool writes_files_of_all(std::string_view subcommand) {
  constexpr std::array names{"prepare", "train", "crossval"};
  return std::ranges::find(names, subcommand) != names.end();
}

/// A standard error that cannot be written to must not hide the exit code.
void report(std::string_view who, std::string_view message) noexcept {
  try {
    const std::string text = fmt::format("factorps: error{}: {}\n", who, message);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  } catch (const std::exception&) {
    std::fputs("factorps: error\n", stderr);
  }
}

/// Reports an error and ends the job on all ranks; returns only when there are no others.
ExitCode fail(comm::Environment& environment, ExitCode code, std::string_view message) {
  if (environment.size() == 1) {
    report("", message);
    return code;
  }
  if (environment.rank() != 0) std::this_thread::sleep_for(kHeadStart);
  const auto rank = static_cast<std::size_t>(environment.rank());
  const std::string who =
      rank == 0 ? "" : fmt::format(" on rank {} ({})", rank, environment.hosts()[rank]);
  report(who, message);
  environment.abort(static_cast<int>(code));
}

/// Output that did not arrive is an error too: a full disk, for example.
void flush_results() {
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw ResourceError{"cannot write to standard output"};
}

/// Ends a task that takes itself for the whole job.
ExitCode end_lone(const comm::LoneTask& task) {
  if (task.first) {
    report("", task.problem);
  } else {
    std::this_thread::sleep_for(kHeadStart);
  }
  return ExitCode::usage;
}

ExitCode run(int argc, const char* const* argv, comm::Environment& environment) {
  const auto parsed = parse_command_line(argc, argv);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) {
    if (environment.rank() == 0) std::cout << *reply;
    flush_results();
    return ExitCode::done;
  }
  inject_faults({}, environment);
  const ExitCode code = std::get<Command>(parsed)(environment);
  flush_results();
  return code;
}

ExitCode run_or_fail(int argc, const char* const* argv, comm::Environment& environment) {
  try {
    return run(argc, argv, environment);
  } catch (const Error& error) {
    return fail(environment, error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(environment, ExitCode::resources, "out of memory");
  } catch (const std::exception& error) {
    return fail(environment, ExitCode::internal, error.what());
  }
}

}  // namespace
}  // namespace factorps::apps

int main(int argc, char** argv) {
  try {
    const std::string_view subcommand{argc > 1 ? argv[1] : ""};
    if (subcommand == "train") factorps::apps::note_early_stop();
    factorps::comm::Environment environment{
        factorps::comm::started_by_launcher(factorps::apps::variable)};
    const auto lone = factorps::comm::find_lone_task(environment.size(), factorps::apps::variable);
    if (!lone.problem.empty() && factorps::apps::writes_files_of_all(subcommand)) {
      return static_cast<int>(factorps::apps::end_lone(lone));
    }
    return static_cast<int>(factorps::apps::run_or_fail(argc, argv, environment));
  } catch (const std::exception& error) {
    factorps::apps::report("", error.what());
    return static_cast<int>(factorps::ExitCode::internal);
  }
}
