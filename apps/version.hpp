/// What this executable was made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace factorps::apps {

/// Name and version of the program, the compiler, the libraries, and the instruction set in use.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> versions();
/// The same, one per line.
[[nodiscard]] std::string version_text();

}  // namespace factorps::apps
