/// Names of ranking metrics: what a configuration may ask for. eval/ranking.hpp says what they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace factorps {

inline constexpr std::array<std::string_view, 7> kRankingMetrics{
    "recall", "ndcg", "precision", "hit_rate", "map", "mrr", "recall_capped"};

/// "ndcg@20"
struct MetricAtK {
  std::size_t metric = 0;  ///< in kRankingMetrics
  std::uint64_t k = 0;

  [[nodiscard]] std::string name() const;
};
/// @return none if the text is not the name of one, an "@" and a number from 1 to 1,000,000
[[nodiscard]] std::optional<MetricAtK> parse_metric(std::string_view text);

}  // namespace factorps
