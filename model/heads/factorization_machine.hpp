/// Factorization machines of second order over attributes of users, items and contexts.
#pragma once

#include "model/heads/head.hpp"

namespace factorps {

/// What the distinct entities of one side have: entity e has values[n] of feature number
/// features[n] for n from begin[e] to begin[e + 1]. The number of a feature is that of its row in
/// the batch.
struct FeatureLists {
  std::span<const std::uint32_t> begin;  ///< [entity + 1]
  std::span<const std::uint32_t> features;
  std::span<const float> values;

  [[nodiscard]] std::size_t entities() const noexcept { return begin.size() - 1; }
};

/// Users, items or contexts of a batch; an entity may stand in many examples (a relation block).
struct FactorizationSide {
  FeatureLists lists;
  std::span<const std::uint32_t> of_example;  ///< [example] index of an entity
};

struct FactorizationBatch {
  std::span<const float> rows;  ///< [distinct feature][1 + dim] linear weight, then factors
  std::span<const FactorizationSide> sides;  ///< one or more; an example has an entity of each
  std::span<const float> targets;            ///< [example]; none for bpr
};

/// score = w0 + sum of w x + sum over pairs of <v, v'> x x', over the features x of an example,
/// from all sides (Rendle, "Factorization machines", 2010). What an entity adds by itself is
/// computed once per batch (Rendle, "Scaling factorization machines to relational data", 2013):
///
///   S = sum of x v     own = sum of w x + (|S|^2 - sum of x^2 |v|^2) / 2
///   score = w0 + sum of own over the sides + sum of <S, S'> over pairs of sides
///
/// Immutable and deterministic as a Head; it uses no kernels, so not even the instruction set
/// counts.
class FactorizationMachine {
 public:
  struct Options {
    std::size_t dim = 16;
    HeadLoss loss = HeadLoss::squared;
    float init_std = 0.01F;  ///< of factors
  };
  explicit FactorizationMachine(const Options& options);

  [[nodiscard]] std::size_t width() const noexcept { return 1 + options_.dim; }  ///< of a row
  /// A row of a feature with linear weight 0. @param index of the feature in its table
  void initialise(std::span<float> row, std::uint64_t index, std::uint64_t seed) const;

  /// Gradients of the summed loss, in place of what was there.
  /// @param by_rows as batch.rows @return the sum of the losses
  double gradient(const FactorizationBatch& batch, float w0, std::span<float> by_rows, float& by_w0,
                  HeadWorkspace& workspace) const;
  /// @param scores [example]
  void score(const FactorizationBatch& batch, float w0, std::span<float> scores,
             HeadWorkspace& workspace) const;

  /// (S, own) of an entity, so that a score is <S, S'> + own + own' + w0 where there are two sides.
  /// A user in a context is one entity with the features of both.
  [[nodiscard]] PlainRow plain(std::span<const std::uint32_t> features,
                               std::span<const float> values, std::span<const float> rows) const;

 private:
  void check(const FactorizationBatch& batch) const;
  /// @param sum [dim] S @return own
  float add_up(const FeatureLists& lists, std::size_t entity, std::span<const float> rows,
               float* sum) const;
  void forward(const FactorizationBatch& batch, float w0, HeadWorkspace& workspace) const;
  void by_entities(const FactorizationBatch& batch, HeadWorkspace& workspace) const;
  void by_features(const FactorizationBatch& batch, const FactorizationSide& side,
                   const PaddedMatrix& entities, const PaddedMatrix& slopes,
                   std::span<float> by_rows) const;

  Options options_;
};

}  // namespace factorps
