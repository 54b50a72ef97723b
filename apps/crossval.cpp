#include <iostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/privacy.hpp"
#include "apps/training.hpp"
#include "comm/environment.hpp"
#include "eval/spread.hpp"
#include "io/config.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

/// The options with which one fold is prepared and trained: everything in RUN/fold-N.
ConfigOptions fold_options(const CrossvalOptions& options, const std::filesystem::path& run,
                           std::int64_t folds, std::int64_t fold) {
  const std::filesystem::path directory = run / fmt::format("fold-{}", fold);
  ConfigOptions result = static_cast<const ConfigOptions&>(options);
  for (const std::string& assignment :
       {std::string{"split.method=folds"}, fmt::format("split.folds={}", folds),
        fmt::format("split.fold={}", fold), "run.dir=" + directory.string(),
        "data.dataset=" + (directory / "dataset.h5").string()}) {
    result.assignments.push_back(assignment);
  }
  result.output.json = false;
  result.output.quiet = true;
  return result;
}

void prepare_fold(const ConfigOptions& options, const Config& config,
                  comm::Environment& environment) {
  if (environment.rank() == 0) std::filesystem::create_directories(config.run.dir);
  run_prepare(PrepareOptions{options}, environment);
  environment.barrier();  // rank 0 writes the dataset
}

/// What is kept of the summary of a fold.
Json fold_record(std::int64_t fold, const std::string& summary_text) {
  const Json summary = Json::parse(summary_text);
  Json record{{"fold", fold},
              {"epochs", summary.at("epochs")},
              {"model", summary.at("model")},
              {"model_sha256", summary.at("model_sha256")}};
  record.update(summary.at("test"));  // metrics and protocol
  return record;
}

/// Numbers that are worth a mean.
std::vector<std::string> metrics_of(const Json& fold) {
  if (fold.contains("rmse")) return {"rmse", "mae"};
  std::vector<std::string> names;
  for (const auto& [name, value] : fold.items()) {
    if (name.find('@') != std::string::npos) names.push_back(name);
  }
  return names;
}

Json spread_record(const Json& folds, const std::string& metric) {
  std::vector<double> values;
  for (const Json& fold : folds) values.push_back(fold.at(metric).get<double>());
  const eval::Spread spread = eval::spread_of(values);
  return {{"mean", spread.mean}, {"standard_error", spread.standard_error}};
}

void print_fold(const Json& record, const OutputOptions& output) {
  if (output.json || output.quiet) return;
  std::cout << fmt::format("fold {:<3}", record["fold"].get<std::int64_t>());
  for (const std::string& metric : metrics_of(record)) {
    std::cout << fmt::format(" {} {:.5f} ", metric, record[metric].get<double>());
  }
  const bool errors = record.contains("interactions");
  std::cout << fmt::format(" ({} {}, {} epochs)\n",
                           record[errors ? "interactions" : "users"].get<std::uint64_t>(),
                           errors ? "interactions" : "users", record["epochs"].get<std::uint64_t>())
            << std::flush;
}

void print_result(Json folds, const OutputOptions& output) {
  Json result{{"folds", folds}};
  std::string text = "mean    ";
  for (const std::string& metric : metrics_of(folds.at(0))) {
    const Json spread = result[metric] = spread_record(folds, metric);
    text += fmt::format(" {} {:.5f} +- {:.5f} ", metric, spread["mean"].get<double>(),
                        spread["standard_error"].get<double>());
  }
  if (output.json) {
    std::cout << result.dump(2) << '\n';
  } else {
    std::cout << text << fmt::format(" (+- standard error of {} folds)\n", folds.size());
  }
}

}  // namespace

ExitCode run_crossval(const CrossvalOptions& options, comm::Environment& environment) {
  const Config base = load_config(options.config, options.assignments);
  keep_private(base);
  const std::int64_t folds = options.folds > 0 ? options.folds : base.split.folds;
  Json records = Json::array();
  for (std::int64_t fold = 1; fold <= folds; ++fold) {
    TrainOptions train_options{fold_options(options, base.run.dir, folds, fold),
                               options.resume ? "auto" : "",
                               !options.resume,
                               {}};
    const Config config = load_config(train_options.config, train_options.assignments);
    prepare_fold(train_options, config, environment);
    const auto result = train(config, train_options, environment);
    if (result.exit_code != ExitCode::done) return result.exit_code;
    if (environment.rank() != 0) continue;
    records.push_back(fold_record(fold, result.summary));
    print_fold(records.back(), options.output);
  }
  if (environment.rank() == 0) print_result(std::move(records), options.output);
  return ExitCode::done;
}

}  // namespace factorps::apps
