#include "apps/fold_in.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/roles.hpp"
#include "apps/row_plan.hpp"
#include "common/error.hpp"
#include "io/json_text.hpp"
#include "model/fold_in_head.hpp"

namespace factorps::apps {
namespace {

RatingFoldIn::Settings rating_settings(const Config& config) {
  const TrainConfig& train = config.train;
  RatingFoldIn::Settings settings;
  settings.l2 = train.l2_user.value_or(train.l2);
  settings.l2_bias = train.l2_bias.value_or(train.l2);
  settings.bias = config.model.biases;
  if (train.solver == "als") settings.l2_exponent = config.ials.l2_exponent;
  if (train.loss == "huber") settings.limit = train.huber_delta;
  if (train.loss == "absolute") {
    // Of errors above it Huber's costs are 2 limit times the absolute ones; training's penalties
    // go with half of the squares.
    settings.limit = 1e-3;
    settings.l2 *= settings.limit;
    settings.l2_bias *= settings.limit;
  }
  return settings;
}

/// Row mode adds up losses of examples, and penalises a row once per step, in which its user has
/// about one interaction.
double examples_of_step(const Config& config) {
  const auto batch = static_cast<double>(config.rows.batch);
  const auto negatives = static_cast<double>(config.rows.negatives);
  if (config.train.loss == "squared") return batch;
  return batch * (config.train.loss == "bpr" ? 2 : 1 + negatives);
}

RankingStep step_of_rows(const Config& config) {
  const bool bpr = config.train.loss == "bpr";
  const auto negatives = static_cast<double>(config.rows.negatives);
  RankingStep step;
  step.loss = bpr ? RankingLoss::bpr : RankingLoss::logistic;
  step.cosine = false;
  step.weight = static_cast<float>(negatives);
  step.l2_user =
      static_cast<float>(config.train.l2_user.value_or(config.train.l2) * examples_of_step(config));
  return step;
}

/// The mean of the users with training data.
std::vector<float> mean_user(const Model& model) {
  std::vector<double> sum(model.info().dim);
  double users = 0;
  for (std::uint64_t user = 0; user < model.info().users; ++user) {
    if (model.user_counts()[user] == 0) continue;
    const auto row = model.user(user);
    for (std::size_t k = 0; k < row.size(); ++k) sum[k] += double{row[k]};
    users += 1;
  }
  std::vector<float> mean(sum.size());
  std::ranges::transform(sum, mean.begin(),
                         [&](double x) { return static_cast<float>(x / std::max(users, 1.0)); });
  return mean;
}

std::unique_ptr<FoldIn> fold_into_layers(const Model& model, const Config& config) {
  HeadOptions options = model.head()->options();
  options.loss = head_loss(config.train);
  HeadFoldIn::Settings settings;
  settings.negatives =
      options.loss == HeadLoss::squared ? 0 : static_cast<double>(config.rows.negatives);
  settings.l2 = config.train.l2_user.value_or(config.train.l2) * examples_of_step(config);
  return std::make_unique<HeadFoldIn>(make_head(options), model.info().layers->dense,
                                      fixed_items(model), mean_user(model), settings);
}

}  // namespace

Config trained_config(const Model& model) {
  const auto provenance = parse_json(model.info().provenance);
  if (!provenance.is_object() || !provenance.contains("config") ||
      !provenance["config"].is_string()) {
    throw DataError{
        fmt::format("{}: does not say how it was trained, expected a model of factorps train",
                    model.path().string())};
  }
  std::istringstream lines{provenance["config"].get<std::string>()};
  std::vector<std::string> assignments;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos || line.starts_with("order_of_cells")) continue;
    if (equals + 3 == line.size()) continue;  // unset
    assignments.push_back(fmt::format("{}={}", line.substr(0, equals), line.substr(equals + 3)));
  }
  try {
    return load_config({}, assignments);
  } catch (const ConfigError& error) {
    throw DataError{fmt::format("{}: its settings of training are not those of this version: {}",
                                model.path().string(), error.what())};
  }
}

FixedItems fixed_items(const Model& model) {
  return {model.info().dim, model.item_factors(), model.item_bias(), model.item_counts(),
          model.info().mu};
}

AllPairsFoldIn::Settings all_pairs_settings(const Config& trained) {
  return {trained.train.l2_user.value_or(trained.train.l2), trained.ials.l2_exponent,
          trained.ials.unobserved_weight, confidence_of(trained.ials)};
}

ModelFoldIn::ModelFoldIn(const Model& model) {
  if (model.info().normalisation.by == NormaliseBy::user) {
    throw DataError{fmt::format(
        "{}: values were normalised by user, so those of a new user have no scale; expected a "
        "model with clean.normalise_by global or item",
        model.path().string())};
  }
  const Config config = trained_config(model);
  const FixedItems items = fixed_items(model);
  if (model.head() != nullptr) {
    needs_values_ = !learns_to_rank(config);
    how_ = fmt::format("quasi-Newton steps on {} through the layers", config.train.loss);
    fold_ = fold_into_layers(model, config);
    return;
  }
  if (config.train.solver == "ials") {
    needs_values_ = config.ials.confidence != "one";
    sums_values_ = true;
    how_ = "least squares over all pairs";
    fold_ = std::make_unique<AllPairsFoldIn>(items, all_pairs_settings(config));
  } else if (pulls_rows(config) && learns_to_rank(config)) {
    how_ = fmt::format("Newton's method on {} over all items", config.train.loss);
    fold_ = std::make_unique<RankingFoldIn>(items, step_of_rows(config));
  } else if (const auto ranking = ranking_options(config)) {
    how_ = fmt::format("Newton's method on {} over all items", config.train.loss);
    fold_ = std::make_unique<RankingFoldIn>(items, ranking->step);
  } else {
    needs_values_ = true;
    how_ = fmt::format("regularised {} errors of the ratings", config.train.loss);
    fold_ = std::make_unique<RatingFoldIn>(items, rating_settings(config));
  }
}

}  // namespace factorps::apps
