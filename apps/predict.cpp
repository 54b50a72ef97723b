#include <algorithm>
#include <cstdio>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/interactions_file.hpp"
#include "apps/moment_rows.hpp"
#include "apps/privacy.hpp"
#include "apps/row_match.hpp"
#include "apps/text_output.hpp"
#include "comm/environment.hpp"
#include "io/config.hpp"

namespace factorps::apps {
namespace {

/// What the prediction rests on.
const char* known(const NamedRow& user, const NamedRow& item) {
  if (user.row) return item.row ? "both" : "user";
  return item.row ? "item" : "none";
}

float value_in(const Model& model, std::optional<std::uint64_t> user,
               std::optional<std::uint64_t> item, std::int64_t moment, bool clip) {
  const float value = predict_in_moment(model, user, item, moment);
  return clip ? std::clamp(value, model.info().value_min, model.info().value_max) : value;
}

std::string json_line(const NamedRow& user, const NamedRow& item, float value) {
  using Json = nlohmann::ordered_json;
  const Json line{
      {"user", user.id}, {"item", item.id}, {"prediction", value}, {"known", known(user, item)}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string tsv_line(const NamedRow& user, const NamedRow& item, float value) {
  return fmt::format("{}\t{}\t{:.6g}\t{}\n", tsv_field(user.id), tsv_field(item.id), value,
                     known(user, item));
}

}  // namespace

ExitCode run_predict(const PredictOptions& given, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  PredictOptions options = given;
  if (options.pairs.empty() && !options.config.empty()) std::swap(options.model, options.pairs);
  if (options.pairs.empty()) throw ConfigError{"expected PAIRS, a file with users and items"};
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  const Model model = open_model(options, config);
  const Chunk chunk = read_interactions(options.pairs, config.data, false).chunk;
  const NamedRows users{chunk.users, model.find_users()};
  const NamedRows items{chunk.items, model.find_items()};
  const auto moment = asked_moment(model, options.time);
  if (moment && options.time.empty() && !options.output.quiet) {
    fmt::print(stderr,
               "factorps: predictions are for the latest moment of the training, {} "
               "(--time: another)\n",
               describe_moment(model, *moment));
  }
  TextOutput out{options.out, options.pairs};
  if (!options.output.json) out.write("user\titem\tprediction\tknown\n");
  for (std::size_t n = 0; n < chunk.rows.size(); ++n) {
    const NamedRow& user = users.at(chunk.rows.users[n]);
    const NamedRow& item = items.at(chunk.rows.items[n]);
    const float value = moment ? value_in(model, user.row, item.row, *moment, config.evaluate.clip)
                               : model.predict(user.row, item.row, config.evaluate.clip);
    out.write(options.output.json ? json_line(user, item, value) : tsv_line(user, item, value));
  }
  out.commit();
  return ExitCode::done;
}

}  // namespace factorps::apps
