/// Cells of the grid in their turns: training by SGD, and errors of predictions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "model/kernels/ranking_kernel.hpp"
#include "ps/leases.hpp"
#include "ps/rank_places.hpp"
#include "worker/work.hpp"

namespace factorps::worker {

struct RankingOptions {
  RankingStep step;
  double popularity_exponent = 0;  ///< PopularItems
  double user_dropout = 0;         ///< share of the users that an epoch goes without
};

/// What a worker must know of the configuration.
struct CellOptions {
  SgdStep step;  ///< with the configured rates; the scheduler sends a factor for them
  Kernels kernels;
  std::optional<RankingOptions> ranking = std::nullopt;  ///< instead of `step`, to train
  std::uint64_t seed = 1;                                ///< of `ranking`
  std::uint64_t rank_at = 0;                             ///< K of ranking metrics
};

class CellWork : public Work {
 public:
  /// References must outlive the object.
  /// @param strips the strips of this worker's node
  /// @param places for rankings where blocks travel; else none
  CellWork(const ps::Tables& tables, const CellOrder& order, const Dataset& dataset,
           std::vector<StripId> strips, CellOptions options,
           const ps::RankPlaces* places = nullptr);

  void begin(const comm::StartPass& pass) override;
  [[nodiscard]] std::optional<Piece> try_piece() override;
  [[nodiscard]] bool finished() const override { return leases_.finished(); }
  [[nodiscard]] bool starved() const override { return leases_.starved(); }
  [[nodiscard]] std::string waits_for() const override { return leases_.waits_for(); }

 private:
  void work_on(const CellView& cell, const ps::Lease& lease);
  void rank_in_turn(const ps::Lease& lease);
  [[nodiscard]] ps::CellSums train(const CellView& cell, const ps::Lease& lease);
  [[nodiscard]] ps::CellSums train_to_rank(CellView cell, const ps::Lease& lease);
  [[nodiscard]] CellView without_dropped(const CellView& cell, StripId strip);
  [[nodiscard]] ps::CellSums evaluate(const CellView& cell, const ps::Lease& lease);

  const ps::Tables& tables_;
  const CellOrder& order_;
  const Dataset& dataset_;
  ps::Leases leases_;
  CellOptions options_;
  const ps::RankPlaces* places_;
  comm::StartPass pass_;
  std::vector<float> predictions_;
  RankingWorkspace workspace_;
  std::vector<Run> runs_;  // of users that are not dropped
  std::vector<std::uint16_t> items_;
};

}  // namespace factorps::worker
