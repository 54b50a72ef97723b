#include <algorithm>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/training.hpp"
#include "scheduler/loss_report.hpp"
#include "scheduler/progress.hpp"
#include "scheduler/records.hpp"

namespace factorps::apps {
namespace {

using nlohmann::json;

void print_ranking(const json& metrics, const char* part) {
  std::string text;
  for (const auto& [name, value] : metrics.items()) {
    if (name.find('@') != std::string::npos)
      text += fmt::format("{} {:.5f}  ", name, value.get<double>());
  }
  std::cout << fmt::format("  {:<12}{}({} users, {})\n", part, text,
                           metrics.at("users").get<std::uint64_t>(),
                           metrics.at("candidates").get<std::string>());
}

void print_evaluation(const json& summary, const char* part) {
  const json& errors = summary.at(part);
  if (errors.is_null()) return;
  if (errors.contains("users")) return print_ranking(errors, part);
  std::cout << fmt::format(
      "  {:<12}rmse {:.5f}  mae {:.5f}  ({} interactions, {} with a cold user "
      "or item)\n",
      part, errors.at("rmse").get<double>(), errors.at("mae").get<double>(),
      errors.at("interactions").get<std::uint64_t>(),
      errors.at("cold_users").get<std::uint64_t>() + errors.at("cold_items").get<std::uint64_t>() +
          errors.at("cold_both").get<std::uint64_t>());
}

std::string percent(double share) {
  return fmt::format("{:.{}f} %", 100 * share, share < 0.1 ? 2 : 0);
}

void print_staleness(const json& histogram) {
  double pulls = 0;
  for (const json& count : histogram) pulls += count.get<double>();
  if (pulls == 0) return;  // bsp
  std::string text;
  for (std::size_t s = 0; s < histogram.size(); ++s) {
    const auto share = histogram[s].get<double>() / pulls;
    const char* more = s + 1 == histogram.size() ? " or more" : "";
    if (share > 0)
      text += fmt::format("{}{} steps {}", text.empty() ? "" : ", ", fmt::format("{}{}", s, more),
                          percent(share));
  }
  std::cout << fmt::format("  {:<12}{}\n", "staleness", text);
}

/// What was pulled and pushed in row mode.
void print_rows(const json& rows) {
  const auto millions = [&](const char* key) { return rows.at(key).get<double>() / 1e6; };
  std::cout << fmt::format(
      "  {:<12}pulled {:.2f} M here, {:.2f} M of other nodes ({:.2f} M cache hits); "
      "pushed {:.2f} M here, {:.2f} M to other nodes; {:.1f} MB between nodes\n",
      "rows", millions("pulled_here"), millions("pulled_away"), millions("cache_hits"),
      millions("pushed_here"), millions("pushed_away"),
      millions("bytes_sent") + millions("bytes_received"));
  print_staleness(rows.at("staleness"));
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t n = 0; n < std::min(kShown, rows.at("hot").size()); ++n) {
    const json& hot = rows.at("hot")[n];
    const std::string name = hot.contains("id")
                                 ? hot["id"].get<std::string>()
                                 : fmt::format("in row {}", hot["row"].get<std::uint64_t>());
    text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ",
                        hot["table"] == "users" ? "user" : "item", name,
                        percent(hot["share"].get<double>()));
  }
  if (!text.empty())
    std::cout << fmt::format("  {:<12}{} of the pushes of the last epoch\n", "hot rows", text);
}

}  // namespace

void print_summary(const std::string& text, const OutputOptions& output) {
  if (output.json) {
    std::cout << text << '\n';
    return;
  }
  if (output.quiet) return;
  const json summary = json::parse(text);
  const json& rate = summary.at("updates_per_cpu_second");
  std::cout << fmt::format("model {} of epoch {}\n", summary.at("model").get<std::string>(),
                           summary.at("model_epoch").get<std::uint64_t>());
  print_evaluation(summary, "validation");
  print_evaluation(summary, "test");
  if (!rate.is_null()) {
    std::cout << fmt::format("  {:<12}{:.1f} M per CPU second, {} in all\n", "updates",
                             rate.get<double>() / 1e6,
                             scheduler::duration_text(summary.at("total_seconds").get<double>()));
  }
  std::cout << fmt::format("  {:<12}{}\n", "sha256", summary.at("model_sha256").get<std::string>());
  if (summary.contains("rows")) print_rows(summary["rows"]);
  print_time(summary.at("time"));
}

void print_time(const json& time) {
  std::cout << "  time in training passes\n";
  std::istringstream lines{scheduler::time_table(scheduler::workers_of(time.at("workers")))};
  for (std::string line; std::getline(lines, line);) std::cout << "    " << line << '\n';
  std::cout << "  largest loss: " << time.at("largest_loss").get<std::string>() << '\n';
}

}  // namespace factorps::apps
