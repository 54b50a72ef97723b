#include "model/kernels/ranking_kernel.hpp"

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/ranking_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/ranking_trainer-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

double train_ranking(const CellView& cell, RowsView users, RowsView items,
                     const Candidates& candidates, const RankingStep& step, std::uint64_t seed,
                     RankingWorkspace& workspace) {
  shuffle_positives(cell, seed, workspace);
  if (step.exclude_positives) list_known(workspace);
  RankingTrainer trainer{users, items, candidates, step, workspace};
  const std::size_t all = workspace.positives.size();
  double loss = 0;
  for (std::size_t first = 0; first < all; first += step.batch) {
    draw_negatives(candidates, step.negatives, seed, first / step.batch, workspace);
    if (step.exclude_positives) list_sampled(workspace);
    loss += trainer.run(first, std::min(step.batch, all - first));
  }
  return loss;
}

TrainRanking ranking_kernel() { return &train_ranking; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

TrainRanking ranking_kernel(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, ranking_kernel());
  return &train_ranking_reference;
}

}  // namespace factorps
#endif
