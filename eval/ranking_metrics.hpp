/// The ranking metrics that a training follows, in the order of their names.
#pragma once

#include <array>

#include "eval/ranking.hpp"
#include "model/metric_name.hpp"

namespace factorps::eval {

inline constexpr std::array<double RankingAtK::*, kRankingMetrics.size()> kRankingValues{
    &RankingAtK::recall,
    &RankingAtK::ndcg,
    &RankingAtK::precision,
    &RankingAtK::hit_rate,
    &RankingAtK::average_precision,
    &RankingAtK::reciprocal_rank,
    &RankingAtK::recall_capped};

}  // namespace factorps::eval
