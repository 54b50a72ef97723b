/// Training a cell to rank: every interaction against sampled items of the leased block.
///
/// Interactions are taken in a random order, `batch` at a time; a batch shares `negatives` items,
/// drawn uniformly (with replacement) from the block's items that have interactions. So scores,
/// and the sums of gradients, are products of matrices. The order and the items are functions of a
/// seed: the bits depend on nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "model/cell.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// Of an interaction of score s against n negatives of scores t.
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
};

/// Trains on every interaction of the cell once.
/// @param candidates item offsets in the block to draw from; at least one
/// @param seed of this cell and epoch
/// @return sum of the losses, each before its update
using TrainRanking = double (*)(const CellView& cell, RowsView users, RowsView items,
                                std::span<const std::uint32_t> candidates, const RankingStep& step,
                                std::uint64_t seed, RankingWorkspace& workspace);

/// @param set one of usable_kernels()
[[nodiscard]] TrainRanking ranking_kernel(InstructionSet set);

/// In plain loops with double sums: what tests compare with, and what runs without SSE4.
double train_ranking_reference(const CellView& cell, RowsView users, RowsView items,
                               std::span<const std::uint32_t> candidates, const RankingStep& step,
                               std::uint64_t seed, RankingWorkspace& workspace);

/// The interactions of a cell in random order.
void shuffle_positives(const CellView& cell, std::uint64_t seed, RankingWorkspace& workspace);
/// The negatives of a batch.
void draw_negatives(std::span<const std::uint32_t> candidates, std::size_t count,
                    std::uint64_t seed, std::size_t batch, RankingWorkspace& workspace);

}  // namespace factorps
