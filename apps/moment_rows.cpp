#include "apps/moment_rows.hpp"

#include <ctime>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/error.hpp"
#include "io/text/date_time.hpp"

namespace factorps::apps {

bool knows_moments(const Model& model) {
  return model.info().features && !model.info().features->context.empty();
}

PlainRow row_in_moment(const Model& model, std::span<const float> factors, float bias,
                       std::int64_t time) {
  const std::size_t dim = model.info().dim;
  PlainRow row{{factors.begin(), factors.end()}, bias};
  row.factors.resize(dim);
  for (const ContextFeature& feature : model.info().features->context) {
    const std::size_t value = context_value(feature.kind, time);
    const auto weights = std::span{feature.rows}.subspan(value * (dim + 1), dim + 1);
    double own = double{row.bias} + double{weights[0]};
    for (std::size_t k = 0; k < dim; ++k) own += double{row.factors[k]} * double{weights[k + 1]};
    row.bias = static_cast<float>(own);
    for (std::size_t k = 0; k < dim; ++k) row.factors[k] += weights[k + 1];
  }
  return row;
}

float predict_in_moment(const Model& model, std::span<const float> factors, float bias,
                        std::optional<std::uint64_t> item, std::optional<std::uint64_t> user,
                        std::int64_t time) {
  const PlainRow row = row_in_moment(model, factors, bias, time);
  return model.predict(row.factors, row.bias, item, user);
}

float predict_in_moment(const Model& model, std::optional<std::uint64_t> user,
                        std::optional<std::uint64_t> item, std::int64_t time) {
  const auto factors = user ? model.user(*user) : std::span<const float>{};
  return predict_in_moment(model, factors, user ? model.user_bias()[*user] : 0.0F, item, user,
                           time);
}

std::optional<std::int64_t> asked_moment(const Model& model, const std::string& time) {
  const bool knows = knows_moments(model);
  if (time.empty()) return knows ? std::optional{model.info().features->latest_time} : std::nullopt;
  if (!knows) {
    throw ConfigError{fmt::format(
        "--time {}: scores of {} do not depend on it, expected a model with model.context", time,
        model.path().string())};
  }
  if (const auto moment = parse_time(time)) return moment;
  throw ConfigError{
      fmt::format("--time {}: expected unix seconds or an ISO date-time (UTC)", time)};
}

std::string describe_moment(const Model& model, std::int64_t time) {
  const std::time_t seconds = time;
  std::string text;
  std::tm utc{};
  text = ::gmtime_r(&seconds, &utc) != nullptr ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc)
                                               : fmt::format("{} s", time);
  const char* separator = ": ";
  for (const ContextFeature& feature : model.info().features->context) {
    text += fmt::format("{}{} {}", separator, name_of(feature.kind),
                        context_text(feature.kind, context_value(feature.kind, time)));
    separator = ", ";
  }
  return text;
}

void require_times(const Model& model, const Dataset& dataset) {
  if (!knows_moments(model)) return;
  dataset.require_times(fmt::format("which scores of {} depend on", model.path().string()));
}

}  // namespace factorps::apps
