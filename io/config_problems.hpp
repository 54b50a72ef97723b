/// Everything that is wrong with one configuration, so that all of it can be said at once.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/config_schema.hpp"

namespace factorps {

class ConfigProblems {
 public:
  /// @param file  named for keys that nobody set; may be empty
  explicit ConfigProblems(std::string file) : file_{std::move(file)} {}

  /// Remembers that `key` was set at `place`: "file:line" or "--set".
  void set_place(std::string_view key, std::string place) {
    places_[std::string{key}] = std::move(place);
  }
  [[nodiscard]] bool is_set(std::string_view key) const { return places_.contains(key); }

  void add(std::string problem) { problems_.push_back(std::move(problem)); }
  /// "place: key = value: expected expected"; marks the key as bad.
  void add(std::string_view key, std::string_view value, std::string_view expected);
  [[nodiscard]] bool is_bad(std::string_view key) const { return bad_.contains(key); }

  /// @throws ConfigError with all problems, one per line, if there are any
  void throw_if_any() const;

 private:
  std::string file_;
  std::map<std::string, std::string, std::less<>> places_;  // [key]
  std::set<std::string, std::less<>> bad_;                  // keys
  std::vector<std::string> problems_;
};

/// Fills in the defaults that follow from other keys, then checks that the keys agree with each
/// other. Each key by itself is checked when it is read.
void complete_and_check(Config& config, ConfigProblems& problems);

}  // namespace factorps
