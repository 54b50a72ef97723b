#include "io/generate.hpp"

#include <iostream>

#include <fmt/format.h>

#include "apps/commands.hpp"
#include "comm/environment.hpp"

namespace factorps::apps {
namespace {

GenerateSettings settings_of(const GenerateOptions& options) {
  GenerateSettings settings;
  settings.users = static_cast<std::uint64_t>(options.users);
  settings.items = static_cast<std::uint64_t>(options.items);
  settings.interactions = static_cast<std::uint64_t>(options.interactions);
  settings.seed = options.seed;
  settings.dim = static_cast<std::uint32_t>(options.dim);
  settings.noise = options.noise;
  settings.test_fraction = options.test_fraction;
  settings.half_stars = options.half_stars;
  settings.prefix = options.out;
  return settings;
}

void print(const GenerateReport& report, const OutputOptions& output) {
  if (output.json) {
    std::cout
        << fmt::format(
               R"({{"train_rows": {}, "test_rows": {}, "mean": {}, "standard_deviation": {}, "noise_floor_rmse": {}}})",
               report.train_rows, report.test_rows, report.mean, report.standard_deviation,
               report.noise_floor_rmse)
        << '\n';
  } else if (!output.quiet) {
    std::cout << fmt::format(
        "train_rows {}\ntest_rows {}\nmean {:.4f}\nstandard_deviation {:.4f}\nnoise_floor_rmse "
        "{:.6f}\n",
        report.train_rows, report.test_rows, report.mean, report.standard_deviation,
        report.noise_floor_rmse);
  }
}

}  // namespace

ExitCode run_generate(const GenerateOptions& options, comm::Environment& environment) {
  if (environment.rank() == 0) print(generate(settings_of(options)), options.output);
  return ExitCode::done;
}

}  // namespace factorps::apps
