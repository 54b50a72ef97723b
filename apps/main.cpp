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

namespace factorps::apps {
namespace {

/// Whether mpirun or srun started this process: they say so by one of these.
bool started_by_launcher() {
  constexpr std::array names{"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
  return std::ranges::any_of(names, [](const char* name) { return std::getenv(name) != nullptr; });
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
  // Most errors meet every rank at once. Rank 0 speaks first and its abort silences the others,
  // which takes the launcher one to two seconds.
  constexpr std::chrono::milliseconds kHeadStart{3000};
  if (environment.rank() != 0) std::this_thread::sleep_for(kHeadStart);
  const std::string who =
      environment.rank() == 0 ? "" : fmt::format(" on rank {}", environment.rank());
  report(who, message);
  environment.abort(static_cast<int>(code));
}

/// Output that did not arrive is an error too: a full disk, for example.
void flush_results() {
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw ResourceError{"cannot write to standard output"};
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
    if (argc > 1 && std::string_view{argv[1]} == "train") factorps::apps::note_early_stop();
    factorps::comm::Environment environment{factorps::apps::started_by_launcher()};
    return static_cast<int>(factorps::apps::run_or_fail(argc, argv, environment));
  } catch (const std::exception& error) {
    factorps::apps::report("", error.what());
    return static_cast<int>(factorps::ExitCode::internal);
  }
}
