#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/item_filter.hpp"
#include "apps/model_arguments.hpp"
#include "apps/privacy.hpp"
#include "apps/row_match.hpp"
#include "apps/text_output.hpp"
#include "comm/environment.hpp"
#include "eval/topk.hpp"

namespace factorps::apps {
namespace {

/// Factors of length one; those of items without any stay zero.
std::vector<float> normalised(const Model& model) {
  std::vector<float> rows{model.item_factors().begin(), model.item_factors().end()};
  const std::size_t dim = model.info().dim;
  for (std::size_t begin = 0; begin < rows.size(); begin += dim) {
    const auto row = std::span{rows}.subspan(begin, dim);
    double squares = 0;
    for (const float x : row) squares += double{x} * double{x};
    if (squares == 0) continue;
    for (float& x : row) x = static_cast<float>(double{x} / std::sqrt(squares));
  }
  return rows;
}

/// Items without interactions are like nothing.
std::vector<float> candidates(const Model& model, const ItemFilter& filter) {
  std::vector<float> scores(model.info().items);
  const auto counts = model.item_counts();
  for (std::size_t item = 0; item < scores.size(); ++item) {
    if (counts[item] == 0) scores[item] = std::nanf("");
  }
  return filter.mask(scores);
}

std::string line(const std::string& item, std::size_t position, const std::string& similar,
                 float cosine, bool json) {
  if (!json) {
    return fmt::format("{}\t{}\t{}\t{:.6g}\n", tsv_field(item), position, tsv_field(similar),
                       cosine);
  }
  using Json = nlohmann::ordered_json;
  const Json object{
      {"item", item}, {"position", position}, {"similar", similar}, {"cosine", cosine}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

ExitCode run_similar(const SimilarOptions& given, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  SimilarOptions options = given;
  const auto items = arguments_after_model(options, options.arguments, 1, "ITEM...");
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  const Model model = open_model(options, config);
  std::optional<AttributeSource> source;
  if (!options.filter.where.empty()) {
    source.emplace(model, options.dataset.empty() ? config.data.dataset : options.dataset);
  }
  const ItemFilter filter{options.filter, model, source ? &*source : nullptr};
  const IdFinder ids = model.find_items();
  const std::vector<float> rows = normalised(model);
  const std::vector<float> scores = candidates(model, filter);
  const std::size_t dim = model.info().dim;
  std::string text = options.output.json ? "" : "item\tposition\tsimilar\tcosine\n";
  for (const std::string& id : items) {
    const std::uint32_t self[]{row_of(id, ids, "item", model)};
    const eval::Query query{std::span{rows}.subspan(self[0] * dim, dim), 0, self};
    const auto list = eval::top_k({dim, rows, scores, {}, {}}, {{query}},
                                  static_cast<std::size_t>(options.count))[0];
    for (std::size_t n = 0; n < list.size(); ++n) {
      text += line(id, n + 1, ids.table().text(list[n].item), list[n].score, options.output.json);
    }
  }
  TextOutput out{options.out};
  out.write(text);
  out.commit();
  return ExitCode::done;
}

}  // namespace factorps::apps
