#include "model/heads/head.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "model/heads/dot_head.hpp"
#include "model/heads/neural_head.hpp"
#include "model/initial.hpp"

namespace factorps {
namespace {

constexpr std::size_t kScoreBatch = 256;

void check_side(const HeadSide& side, std::size_t width, std::size_t examples) {
  FACTORPS_CHECK(side.of_example.size() == examples);
  FACTORPS_CHECK(side.rows.size() % width == 0);
  const std::size_t rows = side.rows.size() / width;
  for (const std::uint32_t row : side.of_example) FACTORPS_CHECK(row < rows);
}

void check_options(const HeadOptions& options) {
  const bool neural = options.kind == HeadKind::mlp || options.kind == HeadKind::neumf;
  if (options.kind != HeadKind::mlp && options.dim == 0) {
    throw ConfigError{"model.dim = 0: expected at least 1"};
  }
  if (!neural) return;
  if (options.tower.empty() || options.tower.front() % 2 != 0 ||
      std::ranges::count(options.tower, std::size_t{0}) > 0) {
    throw ConfigError{
        fmt::format("model.tower = [{}]: expected widths of at least 1, of which the first is even",
                    fmt::join(options.tower, ", "))};
  }
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    throw ConfigError{
        fmt::format("model.dropout = {}: expected a number in [0, 1)", options.dropout)};
  }
}

}  // namespace

void HeadShape::add(std::string name, std::size_t rows, std::size_t columns) {
  dense.push_back({std::move(name), rows, columns, dense_size});
  dense_size += rows * columns;
}

const DenseTensor& HeadShape::tensor(std::string_view name) const {
  const auto found = std::ranges::find(dense, name, &DenseTensor::name);
  FACTORPS_CHECK(found != dense.end());
  return *found;
}

void Head::initialise_dense(std::span<float> dense, std::uint64_t seed) const {
  FACTORPS_CHECK(dense.size() == shape_.dense_size);
  const RandomStream random{seed, Purpose::init_dense};
  for (const DenseTensor& tensor : shape_.dense) {
    const bool bias = tensor.rows == 1;  // of a layer, or of all scores
    const double limit =
        bias ? 0 : std::sqrt(6.0 / static_cast<double>(tensor.rows + tensor.columns));
    for (std::size_t n = tensor.offset; n < tensor.offset + tensor.size(); ++n) {
      dense[n] = static_cast<float>((2 * random.uniform(n) - 1) * limit);
    }
  }
}

void Head::initialise_user(std::span<float> row, std::uint64_t index, std::uint64_t seed) const {
  FACTORPS_CHECK(row.size() == shape_.user_width);
  initial_row(row.first(factors()), index, seed, Purpose::init_user, options_.init_std);
  std::ranges::fill(row.subspan(factors()), 0.0F);
}

void Head::initialise_item(std::span<float> row, std::uint64_t index, std::uint64_t seed) const {
  FACTORPS_CHECK(row.size() == shape_.item_width);
  initial_row(row.first(factors()), index, seed, Purpose::init_item, options_.init_std);
  std::ranges::fill(row.subspan(factors()), 0.0F);
}

double Head::gradient(const HeadBatch& batch, std::span<const float> dense,
                      const HeadGradients& gradients, HeadWorkspace& workspace) const {
  const std::size_t examples = batch.users.of_example.size();
  check_side(batch.users, shape_.user_width, examples);
  check_side(batch.items, shape_.item_width, examples);
  FACTORPS_CHECK(gradients.users.size() == batch.users.rows.size());
  FACTORPS_CHECK(gradients.items.size() == batch.items.rows.size());
  FACTORPS_CHECK(dense.size() == shape_.dense_size && gradients.dense.size() == dense.size());
  workspace.scores.resize(examples);
  forward(batch, dense, true, workspace);
  const double loss = losses_of(options_.loss, batch.targets, workspace.scores, workspace.slopes);
  for (const std::span<float> all : {gradients.users, gradients.items, gradients.dense}) {
    std::ranges::fill(all, 0.0F);
  }
  backward(batch, dense, gradients, workspace);
  return loss;
}

void Head::score(std::span<const float> user, std::span<const float> items,
                 std::span<const float> dense, std::span<float> scores,
                 HeadWorkspace& workspace) const {
  FACTORPS_CHECK(user.size() == shape_.user_width && dense.size() == shape_.dense_size);
  FACTORPS_CHECK(items.size() == scores.size() * shape_.item_width);
  std::vector<std::uint32_t>& numbers = workspace.numbers;
  numbers.assign(kScoreBatch, 0);
  numbers.resize(2 * kScoreBatch);
  std::iota(numbers.begin() + kScoreBatch, numbers.end(), 0U);
  for (std::size_t first = 0; first < scores.size(); first += kScoreBatch) {
    const std::size_t size = std::min(kScoreBatch, scores.size() - first);
    workspace.scores.resize(size);
    const std::span<const std::uint32_t> all{numbers};
    forward({.users = {user, all.first(size)},
             .items = {items.subspan(first * shape_.item_width, size * shape_.item_width),
                       all.subspan(kScoreBatch, size)},
             .targets = {}},
            dense, false, workspace);
    std::ranges::copy(workspace.scores, scores.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

std::unique_ptr<Head> make_head(const HeadOptions& options, InstructionSet set) {
  check_options(options);
  if (options.kind == HeadKind::mf || options.kind == HeadKind::mf_linear) {
    return std::make_unique<DotHead>(options);
  }
  return std::make_unique<NeuralHead>(options, set);
}

}  // namespace factorps
