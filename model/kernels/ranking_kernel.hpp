/// Training a cell to rank: every interaction against sampled items of the leased block.
///
/// Interactions are taken in a random order, `batch` at a time; a batch shares `negatives` items,
/// drawn (with replacement) from the block's items that have interactions. So scores, and the sums
/// of gradients, are products of matrices. The order and the items are functions of a seed: the
/// bits depend on nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "model/cell.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// Of an interaction of score s against n negatives of scores t. Each counts with a weight c
/// (Candidates, RankingStep::exclude_positives), 1 where all are drawn alike: `sum` is that of
/// c x ..., `mean` is sum / n.
enum class RankingLoss : std::uint8_t {
  /// -s / temperature + exponent log(sum exp(t / temperature)). Exponent 1: sampled softmax without
  /// the positive in the sum; else the bilateral softmax loss (Wu et al. 2024).
  softmax,
  /// 1 - s + weight mean(max(0, t - margin)): cosine contrastive loss (Mao et al. 2021).
  ccl,
  /// mean(log(1 + exp(t - s))): Bayesian personalised ranking (Rendle et al. 2009).
  bpr,
  /// log(1 + exp(-s)) + weight mean(log(1 + exp(t))).
  logistic,
};

/// One update of a row x with gradient g, and s of the batch:
///
///   x -= s (g + l2 x)       s = rate / sqrt(G + 1e-8)   G += |g|^2 / columns, per row, first
///
/// (AdaGrad, one scalar per row) or s = rate. With cosine scores rows have length one: g loses its
/// part along x, and x is brought back to that length. Rows that stand in a batch several times
/// are updated as often, users and items of interactions first, then negatives.
struct RankingStep {
  RankingLoss loss = RankingLoss::softmax;
  float rate = 0;
  float l2_user = 0;
  float l2_item = 0;
  bool adagrad = true;
  bool cosine = false;
  float temperature = 1;
  float exponent = 1;
  float margin = 0;
  float weight = 1;
  std::size_t batch = 256;
  std::size_t negatives = 256;  ///< a multiple of kRowMultiple
  float l2_negative = 0;        ///< of sampled items, each time they are
  /// Sampled items that the user has in the cell do not count for him. For the others c grows by
  /// all candidates / those that he has not.
  bool exclude_positives = false;
};

/// Items of a block that negatives are drawn from.
struct Candidates {
  std::span<const std::uint32_t> items;  ///< offsets in the block; at least one
  /// Sums of the probabilities of items 0 ... n, up to a factor; empty: all alike. [item]
  std::span<const double> cumulative = {};
  /// c = 1 / (number of items x probability): what makes a mean over draws an estimate, without
  /// bias, of the mean over all items; in `softmax`, where -log c is subtracted from a score, of
  /// the sum. Empty: all are 1. [item]
  std::span<const float> weights = {};
};

/// Candidates that are drawn in proportion to their interactions to the power of `exponent`.
class PopularItems {
 public:
  /// @param counts of interactions of the items of a block, at least one above 0
  PopularItems(std::span<const std::uint32_t> counts, double exponent);
  [[nodiscard]] Candidates candidates() const { return {items_, cumulative_, weights_}; }

 private:
  std::vector<std::uint32_t> items_;
  std::vector<double> cumulative_;
  std::vector<float> weights_;
};

/// Memory that kernels use between calls; one per thread.
struct RankingWorkspace {
  struct Positive {
    std::uint32_t user;
    std::uint32_t item;
  };
  AlignedBuffer<float> memory;
  std::vector<Positive> positives;       // of the cell, shuffled
  std::vector<std::uint32_t> negatives;  // of a batch
  std::vector<float> weights;            // of the negatives: c without exclude_positives
  // With exclude_positives:
  std::vector<Positive> known;        // of the cell, by user, then item
  std::vector<Positive> sampled;      // of the batch, by item: the item, and its place in `user`
  std::vector<std::uint32_t> masked;  // negatives that are known for the interaction at hand
};

/// Trains on every interaction of the cell once.
/// @param seed of this cell and epoch
/// @return sum of the losses, each before its update
using TrainRanking = double (*)(const CellView& cell, RowsView users, RowsView items,
                                const Candidates& candidates, const RankingStep& step,
                                std::uint64_t seed, RankingWorkspace& workspace);

/// @param set one of usable_kernels()
[[nodiscard]] TrainRanking ranking_kernel(InstructionSet set);

/// In plain loops with double sums: what tests compare with, and what runs without SSE4.
double train_ranking_reference(const CellView& cell, RowsView users, RowsView items,
                               const Candidates& candidates, const RankingStep& step,
                               std::uint64_t seed, RankingWorkspace& workspace);

/// The interactions of a cell in random order.
void shuffle_positives(const CellView& cell, std::uint64_t seed, RankingWorkspace& workspace);
/// With exclude_positives: the items that the users have in the cell.
void list_known(RankingWorkspace& workspace);
/// The negatives of a batch.
void draw_negatives(const Candidates& candidates, std::size_t count, std::uint64_t seed,
                    std::size_t batch, RankingWorkspace& workspace);
/// With exclude_positives, after draw_negatives(): where each item is among the negatives.
void list_sampled(RankingWorkspace& workspace);
/// With exclude_positives: which negatives of the batch do not count for a user, in
/// workspace.masked.
/// @return what c of the others is multiplied by; 0 if there are no others
float mask_known(std::uint32_t user, const Candidates& candidates, RankingWorkspace& workspace);

}  // namespace factorps
