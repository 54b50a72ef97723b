#include <cmath>
#include <iostream>
#include <unordered_map>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/protocol.hpp"
#include "apps/user_file.hpp"
#include "comm/environment.hpp"
#include "eval/paired.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

/// @throws DataError naming the first thing that the files do not share
void check_protocols(const UserFile& a, const UserFile& b) {
  if (a.protocol == b.protocol) return;
  for (const UserFile* file : {&a, &b}) {
    for (const auto& [key, value] : file->protocol.items()) {
      const Json in_a = a.protocol.value(key, Json());
      const Json in_b = b.protocol.value(key, Json());
      if (in_a == in_b) continue;
      throw DataError{fmt::format("{}: {} is {}, but {} in {}: expected the same protocol",
                                  b.path.string(), key, in_b.dump(), in_a.dump(), a.path.string())};
    }
  }
}

/// Where the values of both files lie.
struct Common {
  std::vector<std::string> metrics;
  std::vector<std::string> other_metrics;  ///< in one file only
  std::uint64_t only_in_a = 0;             ///< users
  std::uint64_t only_in_b = 0;
  eval::PairedValues values;
};

/// Names in both, in the order of a. @param others gets the rest
std::vector<std::string> common_metrics(const UserFile& a, const UserFile& b,
                                        std::vector<std::string>& others) {
  const auto in = [](const UserFile& file, const std::string& name) {
    return std::ranges::find(file.metrics, name) != file.metrics.end();
  };
  std::vector<std::string> both;
  for (const std::string& name : a.metrics) (in(b, name) ? both : others).push_back(name);
  for (const std::string& name : b.metrics) {
    if (!in(a, name)) others.push_back(name);
  }
  if (!both.empty()) return both;
  throw DataError{fmt::format("{}: none of its metrics is in {}: expected a common one",
                              b.path.string(), a.path.string())};
}

void append_row(const UserFile& file, std::size_t row, const std::vector<std::string>& metrics,
                std::vector<double>& values) {
  for (const std::string& name : metrics) {
    const auto column = std::ranges::find(file.metrics, name) - file.metrics.begin();
    values.push_back(file.values[row * file.metrics.size() + static_cast<std::size_t>(column)]);
  }
}

Common join(const UserFile& a, const UserFile& b) {
  Common common;
  common.metrics = common_metrics(a, b, common.other_metrics);
  common.values.metrics = common.metrics.size();
  std::unordered_map<std::string_view, std::size_t> rows_of_b;
  for (std::size_t row = 0; row < b.users.size(); ++row) rows_of_b.emplace(b.users[row], row);
  std::uint64_t both = 0;
  for (std::size_t row = 0; row < a.users.size(); ++row) {
    const auto found = rows_of_b.find(a.users[row]);
    if (found == rows_of_b.end()) continue;
    ++both;
    append_row(a, row, common.metrics, common.values.a);
    append_row(b, found->second, common.metrics, common.values.b);
  }
  common.only_in_a = a.users.size() - both;
  common.only_in_b = b.users.size() - both;
  if (both > 0) return common;
  throw DataError{fmt::format("{}: none of its users is in {}: expected some in both",
                              b.path.string(), a.path.string())};
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json to_json(const eval::PairedComparison& one) {
  return {{"users", one.users},
          {"a", number(one.mean_a)},
          {"b", number(one.mean_b)},
          {"difference", number(one.difference)},
          {"interval", {number(one.low), number(one.high)}},
          {"t_test_p", number(one.t_p)},
          {"bootstrap_p", number(one.bootstrap_p)}};
}

Json protocol(const UserFile& a, const Common& common, const CompareOptions& options) {
  Json how = a.protocol;
  how["users"] = common.values.a.size() / common.values.metrics;
  how["users_only_in_a"] = common.only_in_a;
  how["users_only_in_b"] = common.only_in_b;
  how["metrics_in_one_file_only"] = common.other_metrics;
  how["difference"] = "b - a";
  how["interval"] = "95 %, percentiles of the bootstrap over users";
  how["resamples"] = options.resamples;
  how["seed"] = options.seed;
  return how;
}

std::string text_of(const Json& value, const char* format) {
  return value.is_null() ? "-" : fmt::format(fmt::runtime(format), value.get<double>());
}

void print_text(const Json& result) {
  const Json& how = result["protocol"];
  for (const char* side : {"a", "b"}) {
    print_line(side, fmt::format("{}: {}", result[side]["file"].get<std::string>(),
                                 result[side]["predictor"].get<std::string>()));
  }
  for (const char* key : {"part", "candidates", "relevant", "ties"}) {
    if (how.contains(key)) print_line(key, how[key].get<std::string>());
  }
  print_line("users", fmt::format("{} in both; left out: {} only in a, {} only in b",
                                  how["users"].get<std::uint64_t>(),
                                  how["users_only_in_a"].get<std::uint64_t>(),
                                  how["users_only_in_b"].get<std::uint64_t>()));
  const auto others = how["metrics_in_one_file_only"].get<std::vector<std::string>>();
  if (!others.empty()) print_line("left out", fmt::format("{}", fmt::join(others, ", ")));
  print_line("interval",
             fmt::format("{}: {} resamples, seed {}", how["interval"].get<std::string>(),
                         how["resamples"].get<std::int64_t>(), how["seed"].get<std::uint64_t>()));
  std::cout << fmt::format("{:<24} {:>10} {:>10} {:>10} {:>23} {:>9} {:>9}\n", "metric", "a", "b",
                           "b - a", "interval", "t-test p", "boot p");
  for (const auto& [name, one] : result["metrics"].items()) {
    const std::string interval =
        text_of(one["interval"][0], "{:.6f}") + " .. " + text_of(one["interval"][1], "{:.6f}");
    std::cout << fmt::format(
        "{:<24} {:>10} {:>10} {:>10} {:>23} {:>9} {:>9}\n", name, text_of(one["a"], "{:.6f}"),
        text_of(one["b"], "{:.6f}"), text_of(one["difference"], "{:.6f}"), interval,
        text_of(one["t_test_p"], "{:.2g}"), text_of(one["bootstrap_p"], "{:.2g}"));
  }
}

}  // namespace

ExitCode run_compare(const CompareOptions& options, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  const UserFile a = read_user_file(options.a);
  const UserFile b = read_user_file(options.b);
  check_protocols(a, b);
  const Common common = join(a, b);
  const auto results = eval::compare_paired(
      common.values, {static_cast<std::uint32_t>(options.resamples), options.seed});
  Json result{{"a", {{"file", a.path.string()}, {"predictor", a.predictor}}},
              {"b", {{"file", b.path.string()}, {"predictor", b.predictor}}},
              {"protocol", protocol(a, common, options)}};
  for (std::size_t m = 0; m < results.size(); ++m) {
    result["metrics"][common.metrics[m]] = to_json(results[m]);
  }
  if (options.output.json) {
    std::cout << result.dump(2) << '\n';
  } else {
    print_text(result);
  }
  return ExitCode::done;
}

}  // namespace factorps::apps
