/// From arguments to the command they ask for.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "common/error.hpp"

namespace factorps::comm {
class Environment;
}

namespace factorps::apps {

/// A chosen subcommand with its options.
using Command = std::function<ExitCode(comm::Environment&)>;

/// An answer that needs no command: help or version.
using Reply = std::string;

/// Needs no MPI and prints nothing.
/// @throws ConfigError for anything that is not a valid command line
[[nodiscard]] std::variant<Command, Reply> parse_command_line(int argc, const char* const* argv);

}  // namespace factorps::apps
