#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/evaluation.hpp"
#include "apps/fold_in.hpp"
#include "apps/model_arguments.hpp"
#include "apps/privacy.hpp"
#include "apps/row_match.hpp"
#include "apps/text_output.hpp"
#include "comm/environment.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

/// What one item of the history has to do with the score.
struct Reason {
  std::uint32_t item = 0;
  double amount = 0;
};

struct Owned {
  std::vector<std::uint32_t> items;  // rows of the model
  std::vector<float> values;         // in the units of the training
};

Owned from_dataset(const Model& model, const std::filesystem::path& path, std::uint64_t user) {
  const Dataset dataset{path};
  const RowMatch match{model, dataset};
  const std::string id = model.user_ids().text(user);
  const auto row = match.same_dataset()
                       ? std::optional{user}
                       : IdFinder(dataset.user_ids(), model.id_key(), IdSide::user).find(id);
  Owned owned;
  if (!row) return owned;
  const StripId strip = dataset.grid().strip_of_user(*row);
  dataset.verify(strip);
  for_each_interaction(dataset, Part::train, strip, [&](auto u, auto i, float value) {
    const auto item = match.item(i);
    if (u != *row || !item) return;
    owned.items.push_back(static_cast<std::uint32_t>(*item));
    owned.values.push_back(model.info().normalisation.apply(user, *item, value));
  });
  return owned;
}

/// @param values whether they matter
Owned history_of(const Model& model, const ExplainOptions& options, std::uint64_t user,
                 bool values) {
  if (!options.dataset.empty()) return from_dataset(model, options.dataset, user);
  const auto seen = model.seen(user);
  if (values || !seen) {
    throw DataError{fmt::format("{} does not hold {}: expected --dataset DATASET",
                                model.path().string(),
                                values ? "the values of interactions" : "what users have")};
  }
  return {{seen->begin(), seen->end()}, std::vector<float>(seen->size(), 1)};
}

double cosine(const Model& model, std::uint32_t a, std::uint32_t b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t c = 0; c < model.info().dim; ++c) {
    const double x = double{model.item(a)[c]};
    const double y = double{model.item(b)[c]};
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

std::vector<Reason> reasons_of(const Model& model, const Owned& owned, std::uint32_t item,
                               const AllPairsFoldIn* exact) {
  std::vector<Reason> reasons;
  if (exact != nullptr) {
    const auto parts = exact->contributions({owned.items, owned.values}, item);
    for (std::size_t n = 0; n < parts.size(); ++n) reasons.push_back({owned.items[n], parts[n]});
  } else {
    for (const std::uint32_t other : owned.items) {
      reasons.push_back({other, cosine(model, item, other)});
    }
  }
  std::ranges::stable_sort(reasons, std::ranges::greater{}, &Reason::amount);
  return reasons;
}

Json result_of(const Model& model, const std::string& user, const std::string& item, float score,
               const std::vector<Reason>& reasons, bool exact) {
  const IdTable ids = model.item_ids();
  Json result{{"user", user},
              {"item", item},
              {"score", score},
              {"kind", exact ? "attribution" : "approximation"}};
  double sum = 0;
  Json list = Json::array();
  for (const Reason& reason : reasons) {
    sum += reason.amount;
    list.push_back(
        {{"item", ids.text(reason.item)}, {exact ? "contribution" : "cosine", reason.amount}});
  }
  if (exact) result["sum"] = sum;
  result["history"] = std::move(list);
  return result;
}

std::string text_of(const Json& result, std::size_t count, bool exact) {
  const char* column = exact ? "contribution" : "cosine";
  std::string text = fmt::format(
      "# user {}, item {}: score {:.6g}\n", tsv_field(result["user"].get<std::string>()),
      tsv_field(result["item"].get<std::string>()), result["score"].get<double>());
  text += exact
              ? fmt::format(
                    "# attribution: the contributions of the {} items of the history add "
                    "up to {:.6g}\n",
                    result["history"].size(), result["sum"].get<double>())
              : fmt::format("# approximation: items of the history that are most like it, of {}\n",
                            result["history"].size());
  text += fmt::format("position\titem\t{}\n", column);
  for (std::size_t n = 0; n < std::min(count, result["history"].size()); ++n) {
    const Json& reason = result["history"][n];
    text += fmt::format("{}\t{}\t{:.6g}\n", n + 1, tsv_field(reason["item"].get<std::string>()),
                        reason[column].get<double>());
  }
  return text;
}

}  // namespace

ExitCode run_explain(const ExplainOptions& given, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  ExplainOptions options = given;
  const auto names = arguments_after_model(options, options.arguments, 2, "USER ITEM");
  if (names.size() > 2) throw ConfigError{"expected one USER and one ITEM"};
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  const Model model = open_model(options, config);
  const std::uint64_t user = row_of(names[0], model.find_users(), "user", model);
  const std::uint32_t item = row_of(names[1], model.find_items(), "item", model);
  const Config trained = trained_config(model);
  const bool exact = trained.train.solver == "ials";
  const Owned owned = history_of(model, options, user, exact && trained.ials.confidence != "one");
  std::optional<AllPairsFoldIn> fold;
  if (exact) fold.emplace(fixed_items(model), all_pairs_settings(trained));
  const auto reasons = reasons_of(model, owned, item, fold ? &*fold : nullptr);
  const Json result =
      result_of(model, names[0], names[1], model.predict(user, item, false), reasons, exact);
  TextOutput out{options.out};
  out.write(options.output.json ? result.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n'
                                : text_of(result, static_cast<std::size_t>(options.count), exact));
  out.commit();
  return ExitCode::done;
}

}  // namespace factorps::apps
