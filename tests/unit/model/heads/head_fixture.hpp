/// A batch for heads, and their scores in plain loops of double: what gradients are compared with.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "common/random.hpp"
#include "model/heads/dropout.hpp"
#include "model/heads/head.hpp"

namespace factorps {

using Doubles = std::vector<double>;

inline std::vector<float> random_floats(std::size_t size, std::uint64_t seed, double scale) {
  const RandomStream stream{seed, Purpose::generate};
  std::vector<float> result(size);
  for (std::size_t n = 0; n < size; ++n) {
    result[n] = static_cast<float>(scale * (2 * stream.uniform(n) - 1));
  }
  return result;
}

/// The sum of the losses of some scores. @param targets not used by bpr
inline double plain_loss(HeadLoss loss, const std::vector<float>& targets, const Doubles& scores) {
  const auto log_loss = [](double s, double t) {
    const double p = 1 / (1 + std::exp(-s));
    return -t * std::log(p) - (1 - t) * std::log(1 - p);
  };
  double sum = 0;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    if (loss == HeadLoss::bpr) {
      if (n % 2 == 0) sum += log_loss(scores[n] - scores[n + 1], 1);
      continue;
    }
    const double t = double{targets[n]};
    sum += loss == HeadLoss::squared ? (scores[n] - t) * (scores[n] - t) : log_loss(scores[n], t);
  }
  return sum;
}

/// Everything that a loss depends on, in double.
struct Parameters {
  Doubles users;
  Doubles items;
  Doubles dense;
};

struct HeadFixture {
  static constexpr std::size_t kUsers = 5;
  static constexpr std::size_t kItems = 7;
  static constexpr std::size_t kExamples = 38;  // two tiles of the kernels and a rest

  explicit HeadFixture(const HeadOptions& options, InstructionSet set = best_kernels().set)
      : head{make_head(options, set)} {
    const HeadShape& shape = head->shape();
    users = random_floats(kUsers * shape.user_width, 1, 0.9);
    items = random_floats(kItems * shape.item_width, 2, 0.9);
    dense = random_floats(shape.dense_size, 3, 0.9);
    const RandomStream stream{4, Purpose::generate};
    for (std::size_t n = 0; n < kExamples; ++n) {
      of_user.push_back(static_cast<std::uint32_t>(stream.below(kUsers, n, 0)));
      of_item.push_back(static_cast<std::uint32_t>(stream.below(kItems - 1, n, 1)));  // one unused
      targets.push_back(static_cast<float>(stream.below(2, n, 2)));
    }
  }

  [[nodiscard]] HeadBatch batch() const {
    return {.users = {users, of_user},
            .items = {items, of_item},
            .targets = targets,
            .seed = 9,
            .first_example = (std::uint64_t{1} << 33) + 5};
  }

  [[nodiscard]] Parameters parameters() const {
    return {
        {users.begin(), users.end()}, {items.begin(), items.end()}, {dense.begin(), dense.end()}};
  }

  std::unique_ptr<Head> head;
  std::vector<float> users;
  std::vector<float> items;
  std::vector<float> dense;
  std::vector<float> targets;
  std::vector<std::uint32_t> of_user;
  std::vector<std::uint32_t> of_item;
};

/// The published formulas, one example at a time.
class PlainHead {
 public:
  PlainHead(const HeadFixture& fixture, const Parameters& at)
      : fixture_{fixture}, options_{fixture.head->options()}, at_{at} {}

  [[nodiscard]] double loss() const {
    Doubles scores;
    for (std::size_t n = 0; n < HeadFixture::kExamples; ++n) scores.push_back(score(n, true));
    return plain_loss(options_.loss, fixture_.targets, scores);
  }

  [[nodiscard]] double score(std::size_t n, bool training) const {
    const HeadShape& shape = fixture_.head->shape();
    const double* u = at_.users.data() + fixture_.of_user[n] * shape.user_width;
    const double* v = at_.items.data() + fixture_.of_item[n] * shape.item_width;
    const std::size_t dim = options_.kind == HeadKind::mlp ? 0 : options_.dim;
    const bool neural = options_.kind != HeadKind::mf && options_.kind != HeadKind::mf_linear;
    const double* h = neural ? tensor("output.weights") : nullptr;
    double product = 0;
    for (std::size_t k = 0; k < dim; ++k) product += (neural ? h[k] : 1) * u[k] * v[k];
    if (options_.kind == HeadKind::mf_linear) return at_.dense[0] * product + at_.dense[1];
    if (options_.kind == HeadKind::mf) {
      return product + double{options_.mu} + (options_.biases ? u[dim] + v[dim] : 0);
    }
    product += *tensor("output.bias");
    if (options_.kind == HeadKind::gmf) return product;
    const Doubles y = tower(n, u + dim, v + dim, training);
    for (std::size_t k = 0; k < y.size(); ++k) product += h[dim + k] * y[k];
    return product;
  }

 private:
  [[nodiscard]] const double* tensor(std::string_view name) const {
    return at_.dense.data() + fixture_.head->shape().tensor(name).offset;
  }

  [[nodiscard]] Doubles tower(std::size_t n, const double* u, const double* v,
                              bool training) const {
    const std::size_t half = options_.tower.front() / 2;
    Doubles x{u, u + half};
    x.insert(x.end(), v, v + half);
    for (std::size_t layer = 1; layer < options_.tower.size(); ++layer) {
      if (training) drop(n, layer - 1, x);
      const std::string name = "layer" + std::to_string(layer);
      const double* weights = tensor(name + ".weights");
      const double* bias = tensor(name + ".bias");
      const std::size_t columns = options_.tower[layer];
      Doubles y{bias, bias + columns};
      for (std::size_t k = 0; k < x.size(); ++k) {
        for (std::size_t j = 0; j < columns; ++j) y[j] += x[k] * weights[k * columns + j];
      }
      for (double& one : y) one = std::max(one, 0.0);
      x = y;
    }
    return x;
  }

  void drop(std::size_t n, std::size_t layer, Doubles& x) const {
    std::vector<float> factors(x.size());
    const HeadBatch batch = fixture_.batch();
    Dropout{options_.dropout}.factors(batch.seed, batch.first_example + n, layer, x.size(),
                                      factors.data());
    for (std::size_t k = 0; k < x.size(); ++k) x[k] *= double{factors[k]};
  }

  const HeadFixture& fixture_;
  const HeadOptions& options_;
  const Parameters& at_;
};

}  // namespace factorps
