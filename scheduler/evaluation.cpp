#include "scheduler/evaluation.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "eval/metrics.hpp"
#include "model/metric_name.hpp"
#include "scheduler/records.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

eval::ErrorSums errors_from(const Evaluation::Sums& s) {
  const auto count = [](double x) { return static_cast<std::uint64_t>(x); };
  return {count(s[0]), s[1], s[2], s[3], s[4], count(s[5]), count(s[6]), count(s[7])};
}

/// Users first, then a sum per metric.
double mean_of(const Evaluation::Sums& sums, std::size_t metric) {
  return sums[1 + metric] / std::max(sums[0], 1.0);
}

double error_of(const Config& config, const eval::ErrorSums& sums) {
  const bool rmse = config.evaluate.metric == "rmse";
  if (config.evaluate.clip) return rmse ? sums.rmse_clipped() : sums.mae_clipped();
  return rmse ? sums.rmse() : sums.mae();
}

}  // namespace

comm::PassKind Evaluation::kind_of(const Config& config) {
  return parse_metric(config.evaluate.metric) ? comm::PassKind::rank : comm::PassKind::evaluate;
}

Evaluation::Evaluation(const Config& config, const Sums& sums)
    : ranking_{kind_of(config) == comm::PassKind::rank}, clip_{config.evaluate.clip}, sums_{sums} {
  if (ranking_) {
    const auto metric = parse_metric(config.evaluate.metric).value();
    k_ = metric.k;
    value_ = mean_of(sums, metric.metric);
  } else {
    value_ = error_of(config, errors_from(sums));
  }
}

json Evaluation::record() const {
  if (!ranking_) return error_record(errors_from(sums_), clip_);
  json record{{"users", static_cast<std::uint64_t>(sums_[0])},
              {"candidates", "all items not known from training"},
              {"ties", "expected"}};
  for (std::size_t m = 0; m < kRankingMetrics.size(); ++m) {
    record[MetricAtK{m, k_}.name()] = mean_of(sums_, m);
  }
  return record;
}

}  // namespace factorps::scheduler
