#include <iostream>
#include <optional>
#include <unordered_map>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/attribute_rows.hpp"
#include "apps/commands.hpp"
#include "apps/dataset_fold_in.hpp"
#include "apps/evaluate_ranking.hpp"
#include "apps/evaluation.hpp"
#include "apps/item_baseline.hpp"
#include "apps/moment_rows.hpp"
#include "apps/privacy.hpp"
#include "apps/protocol.hpp"
#include "apps/row_match.hpp"
#include "apps/text_output.hpp"
#include "apps/user_file.hpp"
#include "apps/watchdog.hpp"
#include "comm/environment.hpp"
#include "eval/baseline.hpp"
#include "io/config.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

Part part_of(const std::string& name) {
  for (const Part part : kParts) {
    if (part != Part::fold_in && name == part_name(part)) return part;
  }
  throw ConfigError{fmt::format("part is '{}', expected train, validation or test", name)};
}

std::filesystem::path dataset_path(const EvaluateOptions& options, const Config& config) {
  if (!options.dataset.empty()) return options.dataset;
  if (!options.baseline.empty() && !options.model.empty()) return options.model;
  if (!options.config.empty()) return config.data.dataset;
  throw ConfigError{"expected DATASET or --config CONFIG"};
}

/// Predictions of a model; of users with histories, by rows that are folded in strip by strip.
class ModelPredictor {
 public:
  /// @param fold none: nobody is folded in
  ModelPredictor(const Model& model, const RowMatch& match, const Dataset& dataset,
                 const DatasetFoldIn* fold)
      : model_{model}, match_{match}, dataset_{dataset}, fold_{fold} {
    if (model.info().features && !match.same_dataset()) attributes_.emplace(model, dataset);
  }

  [[nodiscard]] Prediction predict(std::uint64_t user, std::uint64_t item,
                                   std::optional<std::int64_t> time) {
    const auto u = match_.user(user);
    const auto i = match_.item(item);
    const auto moment = knows_moments(model_) ? time : std::nullopt;
    const bool cold_item = !i || model_.item_counts()[*i] == 0;
    if (const FoldedRow* row = folded(user)) {
      const float value =
          moment ? predict_in_moment(model_, row->factors, row->bias, i, std::nullopt, *moment)
                 : model_.predict(row->factors, row->bias, i);
      return {value, eval::cold_kind(false, cold_item)};
    }
    const bool cold_user = !u || model_.user_counts()[*u] == 0;
    if (attributes_ && (!u || !i)) {
      return {attributes_->predict(user, item, u, i, moment),
              eval::cold_kind(cold_user, cold_item)};
    }
    const float value =
        moment ? predict_in_moment(model_, u, i, *moment) : model_.predict(u, i, false);
    return {value, eval::cold_kind(cold_user, cold_item)};
  }

 private:
  const FoldedRow* folded(std::uint64_t user) {
    if (fold_ == nullptr) return nullptr;
    if (!strip_ || !strip_->holds(user)) {
      strip_.emplace(*fold_, dataset_.grid().strip_of_user(user));
      rows_.clear();
    }
    if (!strip_->folds(user)) return nullptr;
    const auto [row, is_new] = rows_.try_emplace(user);
    if (is_new) row->second = strip_->row(user);
    return &row->second;
  }

  const Model& model_;
  const RowMatch& match_;
  const Dataset& dataset_;
  const DatasetFoldIn* fold_;
  std::optional<AttributeRows> attributes_;  // if the model has features and other rows
  std::optional<DatasetFoldIn::Strip> strip_;
  std::unordered_map<std::uint64_t, FoldedRow> rows_;  // [user of the strip]
};

/// Means of the training values; every rank reads all of them.
Predictor baseline_predictor(const std::string& baseline, const Dataset& dataset) {
  const Grid& grid = dataset.grid();
  const bool by_user = baseline == "user-mean";
  const bool by_item = baseline == "item-mean";
  eval::MeanPredictor sums{by_user ? grid.users() : by_item ? grid.items() : 1};
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    dataset.verify(StripId{s});
    for_each_interaction(dataset, Part::train, StripId{s}, [&](auto user, auto item, float value) {
      sums.add(by_user ? user : by_item ? item : 0, value);
    });
  }
  return [&dataset, by_user, by_item, means = sums.means()](auto user, auto item,
                                                            const auto& /*time*/) {
    const auto cold =
        eval::cold_kind(dataset.user_counts()[user] == 0, dataset.item_counts()[item] == 0);
    return Prediction{means[by_user ? user : by_item ? item : 0], cold};
  };
}

/// What the numbers mean: everything that another program needs to get the same ones.
Json protocol(const EvaluateOptions& options, const Target& target, const eval::ErrorSums& sums) {
  Json how = data_protocol(*target.dataset, options.part);
  how["interactions"] = sums.count;
  how["cold"] = {{"users", sums.cold_users}, {"items", sums.cold_items}, {"both", sums.cold_both}};
  how["units"] = "original values";
  how["clipped_to"] = {target.low, target.high};
  return how;
}

Json metrics(const eval::ErrorSums& sums, bool clip) {
  if (sums.count == 0) return {{"rmse", nullptr}, {"mae", nullptr}};
  return {{"rmse", clip ? sums.rmse_clipped() : sums.rmse()},
          {"mae", clip ? sums.mae_clipped() : sums.mae()},
          {"clipped", clip},
          {"rmse_clipped", sums.rmse_clipped()},
          {"mae_clipped", sums.mae_clipped()},
          {"rmse_unclipped", sums.rmse()},
          {"mae_unclipped", sums.mae()}};
}

void print_text(const Json& result) {
  const Json& how = result["protocol"];
  const Json& cold = how["cold"];
  print_head(result);
  print_line("part", fmt::format("{}, {} interactions", how["part"].get<std::string>(),
                                 how["interactions"].get<std::uint64_t>()));
  print_line("cold",
             fmt::format("{} by user, {} by item, {} by both; predicted by bias or mean",
                         cold["users"].get<std::uint64_t>(), cold["items"].get<std::uint64_t>(),
                         cold["both"].get<std::uint64_t>()));
  print_line("units",
             fmt::format("original values, clipped to {} .. {}", how["clipped_to"][0].get<float>(),
                         how["clipped_to"][1].get<float>()));
  if (result["rmse"].is_null()) {
    print_line("RMSE", "none: the part is empty");
    return;
  }
  const bool clip = result["clipped"].get<bool>();
  const auto pair = [&](const std::string& metric) {
    const auto number = [&](const char* which) {
      return fmt::format("{:.5f} {}", result[metric + '_' + which].get<double>(), which);
    };
    return clip ? number("clipped") + ", " + number("unclipped")
                : number("unclipped") + ", " + number("clipped");
  };
  print_line("RMSE", pair("rmse"));
  print_line("MAE", pair("mae"));
}

void write_users(const EvaluateOptions& options, const Evaluation& evaluation,
                 const Dataset& dataset, bool clip, const Json& result) {
  const IdTable ids = dataset.user_ids();
  TextOutput out{options.per_user};
  Json how = result["protocol"];
  how["clipped"] = clip;  // what rmse and mae are of
  out.write(
      user_file_head(result["predictor"], how, {"rmse", "mae", "rmse_unclipped", "mae_unclipped"}));
  out.write("user\tinteractions\trmse\tmae\trmse_unclipped\tmae_unclipped\ttrain_count\n");
  for (const auto& [user, sums] : evaluation.users) {
    out.write(fmt::format("{}\t{}\t{:.6f}\t{:.6f}\t{:.6f}\t{:.6f}\t{}\n", tsv_field(ids.text(user)),
                          sums.count, clip ? sums.rmse_clipped() : sums.rmse(),
                          clip ? sums.mae_clipped() : sums.mae(), sums.rmse(), sums.mae(),
                          dataset.user_counts()[user]));
  }
  out.commit();
}

/// @param clip whether `rmse` and `mae` are of clipped predictions
void report(const EvaluateOptions& options, const Target& target, const Evaluation& evaluation,
            bool clip, Json result) {
  result["protocol"] = protocol(options, target, evaluation.total);
  result.update(metrics(evaluation.total, clip));
  if (!options.per_user.empty()) write_users(options, evaluation, *target.dataset, clip, result);
  if (options.output.json) {
    std::cout << result.dump(2) << '\n';
  } else {
    print_text(result);
  }
}

/// @throws ConfigError if the baseline does not give what the options ask for
void check_baseline(const EvaluateOptions& options) {
  const bool ranks = !options.at.empty();
  if (options.baseline.empty() || is_item_baseline(options.baseline) == ranks) return;
  throw ConfigError{
      ranks ? fmt::format("--baseline {}: gives no ranking; expected popular, item-knn or ease "
                          "with --at",
                          options.baseline)
            : fmt::format("--baseline {}: predicts no values; expected --at K[,K...] with it",
                          options.baseline)};
}

ExitCode evaluate_baseline(const EvaluateOptions& options, const Config& config,
                           const Dataset& dataset, const Target& target,
                           const comm::Environment& environment) {
  if (!options.at.empty()) {
    return evaluate_ranking(options, dataset, item_baseline(options, config, dataset, environment),
                            {{"predictor", describe_baseline(options)}}, environment);
  }
  const Predictor predict = baseline_predictor(options.baseline, dataset);
  const Evaluation evaluation = evaluate(target, predict, !options.per_user.empty(), environment);
  if (environment.rank() != 0) return ExitCode::done;
  report(options, target, evaluation, config.evaluate.clip,
         {{"predictor", options.baseline + " of the training data"}});
  return ExitCode::done;
}

ExitCode evaluate_with(const EvaluateOptions& options, const Config& config,
                       comm::Environment& environment) {
  const Dataset dataset{dataset_path(options, config)};
  Target target{&dataset, part_of(options.part), dataset.value_min(), dataset.value_max()};
  if (!options.baseline.empty()) {
    return evaluate_baseline(options, config, dataset, target, environment);
  }
  const Model model = open_model(options, config);
  require_times(model, dataset);
  const RowMatch match{model, dataset};
  std::optional<DatasetFoldIn> fold;
  if (options.fold_in || dataset.interactions(Part::fold_in) > 0) {
    fold.emplace(model, match, dataset, options.fold_in);
  }
  const DatasetFoldIn* folds = fold ? &*fold : nullptr;
  Json head{{"predictor", fmt::format("{} (sha256 {})", model.path().string(), model.sha256())},
            {"rows", match.describe()}};
  if (folds != nullptr) {
    head["folded_in"] = fmt::format("{}: {}", options.fold_in ? "all users" : "held-out users",
                                    folds->fold().describe());
  }
  if (!options.at.empty()) {
    return evaluate_ranking(options, dataset, Ranker{model, match, dataset, folds}, head,
                            environment);
  }
  target.low = model.info().value_min;
  target.high = model.info().value_max;
  ModelPredictor predictor{model, match, dataset, folds};
  const Predictor predict = [&](auto user, auto item, auto time) {
    return predictor.predict(user, item, time);
  };
  const Evaluation evaluation = evaluate(target, predict, !options.per_user.empty(), environment);
  if (environment.rank() != 0) return ExitCode::done;
  report(options, target, evaluation, config.evaluate.clip, head);
  return ExitCode::done;
}

}  // namespace

ExitCode run_evaluate(const EvaluateOptions& options, comm::Environment& environment) {
  check_baseline(options);
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  std::optional<Watchdog> watchdog;
  if (environment.size() > 1) watchdog.emplace(environment, config.cluster);
  const ExitCode code = evaluate_with(options, config, environment);
  environment.barrier();  // watched
  return code;
}

}  // namespace factorps::apps
