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
  print_time(summary.at("time"));
}

void print_time(const json& time) {
  std::cout << "  time in training passes\n";
  std::istringstream lines{scheduler::time_table(scheduler::workers_of(time.at("workers")))};
  for (std::string line; std::getline(lines, line);) std::cout << "    " << line << '\n';
  std::cout << "  largest loss: " << time.at("largest_loss").get<std::string>() << '\n';
}

}  // namespace factorps::apps
