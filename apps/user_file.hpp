/// Files of `evaluate --per-user`: what was measured of each user, and how.
///
/// The first line is "# " and a JSON object: "predictor", "protocol" (what another file must share
/// to be compared) and "metrics" (names of columns); then come a line of column names and a line
/// per user, separated by tabs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace factorps::apps {

/// The first line. Of the protocol all but the name of the dataset's file, segments and
/// what the predictor did not know.
[[nodiscard]] std::string user_file_head(const nlohmann::ordered_json& predictor,
                                         const nlohmann::ordered_json& protocol,
                                         const std::vector<std::string>& metrics);

// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw, which tidy 14 cannot see
struct UserFile {
  std::filesystem::path path;
  std::string predictor;
  nlohmann::ordered_json protocol;
  std::vector<std::string> metrics;
  std::vector<std::string> users;  ///< external ids, all different
  std::vector<double> values;      ///< users x metrics; NaN: not defined for the user
};

/// @throws DataError naming file, line and expectation
[[nodiscard]] UserFile read_user_file(const std::filesystem::path& path);

}  // namespace factorps::apps
