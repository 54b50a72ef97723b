#include "model/heads/factorization_machine.hpp"

#include <algorithm>
#include <array>

#include "common/check.hpp"
#include "common/error.hpp"
#include "model/initial.hpp"
#include "model/kernels/dot_kernel.hpp"

namespace factorps {
namespace {

// Matrices of side n in the workspace: entities [dim + 1], (S, own), and the gradients by them.
std::size_t entities_of(std::size_t side) { return 2 * side; }
std::size_t slopes_of_side(std::size_t side) { return 2 * side + 1; }

std::size_t examples_of(const FactorizationBatch& batch) {
  return batch.sides.front().of_example.size();
}

}  // namespace

FactorizationMachine::FactorizationMachine(const Options& options) : options_{options} {
  if (options.dim == 0) throw ConfigError{"model.dim = 0: expected at least 1"};
}

void FactorizationMachine::initialise(std::span<float> row, std::uint64_t index,
                                      std::uint64_t seed) const {
  FACTORPS_CHECK(row.size() == width());
  row[0] = 0;
  initial_row(row.subspan(1), index, seed, Purpose::init_feature, options_.init_std);
}

void FactorizationMachine::check(const FactorizationBatch& batch) const {
  FACTORPS_CHECK(!batch.sides.empty() && batch.rows.size() % width() == 0);
  const std::size_t rows = batch.rows.size() / width();
  for (const auto& [lists, of_example] : batch.sides) {
    FACTORPS_CHECK(of_example.size() == examples_of(batch));
    FACTORPS_CHECK(!lists.begin.empty() && lists.begin.back() == lists.features.size());
    FACTORPS_CHECK(std::ranges::is_sorted(lists.begin));
    FACTORPS_CHECK(lists.values.size() == lists.features.size());
    for (const std::uint32_t feature : lists.features) FACTORPS_CHECK(feature < rows);
    for (const std::uint32_t entity : of_example) FACTORPS_CHECK(entity < lists.entities());
  }
}

double FactorizationMachine::gradient(const FactorizationBatch& batch, float w0,
                                      std::span<float> by_rows, float& by_w0,
                                      HeadWorkspace& workspace) const {
  FACTORPS_CHECK(by_rows.size() == batch.rows.size());
  workspace.scores.resize(examples_of(batch));
  forward(batch, w0, workspace);
  const double loss = losses_of(options_.loss, batch.targets, workspace.scores, workspace.slopes);
  by_w0 = 0;
  for (const float slope : workspace.slopes) by_w0 += slope;
  by_entities(batch, workspace);
  std::ranges::fill(by_rows, 0.0F);
  for (std::size_t side = 0; side < batch.sides.size(); ++side) {
    const std::size_t entities = batch.sides[side].lists.entities();
    by_features(batch, batch.sides[side], workspace.matrix(entities_of(side), entities, width()),
                workspace.matrix(slopes_of_side(side), entities, width()), by_rows);
  }
  return loss;
}

void FactorizationMachine::score(const FactorizationBatch& batch, float w0, std::span<float> scores,
                                 HeadWorkspace& workspace) const {
  workspace.scores.resize(scores.size());
  forward(batch, w0, workspace);
  std::ranges::copy(workspace.scores, scores.begin());
}

float FactorizationMachine::add_up(const FeatureLists& lists, std::size_t entity,
                                   std::span<const float> rows, float* sum) const {
  const std::size_t dim = options_.dim;
  std::fill_n(sum, dim, 0.0F);
  float linear = 0;
  float squares = 0;
  for (std::size_t n = lists.begin[entity]; n < lists.begin[entity + 1]; ++n) {
    const float x = lists.values[n];
    const float* v = rows.data() + lists.features[n] * width() + 1;
    linear += x * v[-1];
    squares += sum_of_terms(dim, [&](std::size_t k) { return (x * v[k]) * (x * v[k]); });
    for (std::size_t k = 0; k < dim; ++k) sum[k] += x * v[k];
  }
  const float square = dot_kernels().dot(1, sum, sum, dim);
  return linear + 0.5F * (square - squares);
}

void FactorizationMachine::forward(const FactorizationBatch& batch, float w0,
                                   HeadWorkspace& workspace) const {
  check(batch);
  FACTORPS_CHECK(workspace.scores.size() == examples_of(batch));
  const std::size_t dim = options_.dim;
  std::ranges::fill(workspace.scores, w0);
  for (std::size_t side = 0; side < batch.sides.size(); ++side) {
    const auto& [lists, of_example] = batch.sides[side];
    const PaddedMatrix& mine = workspace.matrix(entities_of(side), lists.entities(), width());
    for (std::size_t e = 0; e < lists.entities(); ++e) {
      mine.row(e)[dim] = add_up(lists, e, batch.rows, mine.row(e));
    }
    workspace.features_added += lists.features.size();
    for (std::size_t n = 0; n < of_example.size(); ++n) {
      workspace.scores[n] += mine.row(of_example[n])[dim];
    }
    for (std::size_t other = 0; other < side; ++other) {
      const FactorizationSide& second = batch.sides[other];
      const PaddedMatrix& theirs =
          workspace.matrix(entities_of(other), second.lists.entities(), width());
      for (std::size_t n = 0; n < of_example.size(); ++n) {
        const float* a = mine.row(of_example[n]);
        const float* b = theirs.row(second.of_example[n]);
        workspace.scores[n] += dot_kernels().dot(1, a, b, dim);
      }
    }
  }
}

void FactorizationMachine::by_entities(const FactorizationBatch& batch,
                                       HeadWorkspace& workspace) const {
  const std::size_t dim = options_.dim;
  for (std::size_t side = 0; side < batch.sides.size(); ++side) {
    const auto& [lists, of_example] = batch.sides[side];
    PaddedMatrix& mine = workspace.matrix(slopes_of_side(side), lists.entities(), width());
    mine.clear();
    for (std::size_t n = 0; n < of_example.size(); ++n) {
      mine.row(of_example[n])[dim] += workspace.slopes[n];
    }
    for (std::size_t other = 0; other < batch.sides.size(); ++other) {
      if (other == side) continue;
      const FactorizationSide& second = batch.sides[other];
      const PaddedMatrix& theirs =
          workspace.matrix(entities_of(other), second.lists.entities(), width());
      for (std::size_t n = 0; n < of_example.size(); ++n) {
        float* by_sum = mine.row(of_example[n]);
        const float* sum = theirs.row(second.of_example[n]);
        for (std::size_t k = 0; k < dim; ++k) by_sum[k] += workspace.slopes[n] * sum[k];
      }
    }
  }
}

void FactorizationMachine::by_features(const FactorizationBatch& batch,
                                       const FactorizationSide& side, const PaddedMatrix& entities,
                                       const PaddedMatrix& slopes, std::span<float> by_rows) const {
  const std::size_t dim = options_.dim;
  for (std::size_t e = 0; e < side.lists.entities(); ++e) {
    const float* sum = entities.row(e);
    float* by_sum = slopes.row(e);
    const float slope = by_sum[dim];  // by own
    for (std::size_t k = 0; k < dim; ++k) by_sum[k] += slope * sum[k];
    for (std::size_t n = side.lists.begin[e]; n < side.lists.begin[e + 1]; ++n) {
      const float x = side.lists.values[n];
      const std::size_t at = side.lists.features[n] * width() + 1;
      const float* v = batch.rows.data() + at;
      float* by_v = by_rows.data() + at;
      by_v[-1] += x * slope;
      for (std::size_t k = 0; k < dim; ++k) by_v[k] += x * (by_sum[k] - slope * (x * v[k]));
    }
  }
}

PlainRow FactorizationMachine::plain(std::span<const std::uint32_t> features,
                                     std::span<const float> values,
                                     std::span<const float> rows) const {
  FACTORPS_CHECK(features.size() == values.size());
  for (const std::uint32_t feature : features)
    FACTORPS_CHECK((feature + 1) * width() <= rows.size());
  const std::array<std::uint32_t, 2> begin{0, static_cast<std::uint32_t>(features.size())};
  PlainRow plain{std::vector<float>(options_.dim), 0};
  plain.bias = add_up({begin, features, values}, 0, rows, plain.factors.data());
  return plain;
}

}  // namespace factorps
