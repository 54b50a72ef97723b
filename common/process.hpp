/// Other programs: started without a shell, waited for, told to end when this one is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace factorps {

/// Runs command[0] (a path, or a name in PATH) with its arguments to its end. Standard input is
/// empty; output and errors go to `log`, which is replaced. SIGINT and SIGTERM to this process are
/// passed on meanwhile (stop_requested() says so afterwards). One at a time.
/// @return its exit code, 128 + number if a signal ended it
/// @throws ResourceError if it cannot be started
int run_process(const std::vector<std::string>& command, const std::filesystem::path& log);

/// Whether a signal came during a run_process().
[[nodiscard]] bool stop_requested() noexcept;

}  // namespace factorps
