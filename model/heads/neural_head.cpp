#include "model/heads/neural_head.hpp"

#include <algorithm>

#include "common/check.hpp"
#include "common/error.hpp"
#include "model/kernels/dot_kernel.hpp"

namespace factorps {

NeuralHead::NeuralHead(const HeadOptions& options, InstructionSet set)
    : Head{options},
      gmf_{options.kind == HeadKind::mlp ? 0 : options.dim},
      half_{options.kind == HeadKind::gmf ? 0 : options.tower.front() / 2} {
  if (options.kind != HeadKind::gmf) tower_.emplace(options, set, shape_);
  shape_.user_width = gmf_ + half_;
  shape_.item_width = shape_.user_width;
  output_ = shape_.dense_size;
  shape_.add("output.weights", gmf_ + (tower_ ? tower_->outputs() : 0), 1);
  bias_ = shape_.dense_size;
  shape_.add("output.bias", 1, 1);
}

PaddedMatrix& NeuralHead::tower_inputs(const HeadBatch& batch, std::size_t examples,
                                       HeadWorkspace& workspace) const {
  const std::size_t width = shape_.user_width;
  PaddedMatrix& inputs = workspace.matrix(Tower::kFirst, examples, 2 * half_);
  for (std::size_t n = 0; n < examples; ++n) {
    const float* user = batch.users.rows.data() + batch.users.of_example[n] * width;
    const float* item = batch.items.rows.data() + batch.items.of_example[n] * width;
    std::copy_n(user + gmf_, half_, inputs.row(n));
    std::copy_n(item + gmf_, half_, inputs.row(n) + half_);
  }
  return inputs;
}

void NeuralHead::forward(const HeadBatch& batch, std::span<const float> dense, bool training,
                         HeadWorkspace& workspace) const {
  const std::size_t width = shape_.user_width;
  const std::size_t examples = workspace.scores.size();
  const float* h = dense.data() + output_;
  for (std::size_t n = 0; n < examples; ++n) {
    const float* p = batch.users.rows.data() + batch.users.of_example[n] * width;
    const float* q = batch.items.rows.data() + batch.items.of_example[n] * width;
    workspace.scores[n] = dot_kernels().dot3(h, p, q, gmf_) + dense[bias_];
  }
  if (!tower_) return;
  const PaddedMatrix& out =
      tower_->forward(tower_inputs(batch, examples, workspace), dense, batch, training, workspace);
  for (std::size_t n = 0; n < examples; ++n) {
    const float* y = out.row(n);
    workspace.scores[n] += dot_kernels().dot(1, h + gmf_, y, out.columns());
  }
}

void NeuralHead::backward(const HeadBatch& batch, std::span<const float> dense,
                          const HeadGradients& gradients, HeadWorkspace& workspace) const {
  for (const float slope : workspace.slopes) gradients.dense[bias_] += slope;
  backward_products(batch, dense, gradients, workspace);
  if (tower_) backward_tower(batch, dense, gradients, workspace);
}

void NeuralHead::backward_products(const HeadBatch& batch, std::span<const float> dense,
                                   const HeadGradients& gradients,
                                   const HeadWorkspace& workspace) const {
  const std::size_t width = shape_.user_width;
  const float* h = dense.data() + output_;
  float* by_h = gradients.dense.data() + output_;
  for (std::size_t n = 0; n < workspace.slopes.size(); ++n) {
    const std::size_t at_user = batch.users.of_example[n] * width;
    const std::size_t at_item = batch.items.of_example[n] * width;
    dot_kernels().add_slopes3(workspace.slopes[n], h, batch.users.rows.data() + at_user,
                              batch.items.rows.data() + at_item, gmf_, by_h,
                              gradients.users.data() + at_user, gradients.items.data() + at_item);
  }
}

void NeuralHead::backward_tower(const HeadBatch& batch, std::span<const float> dense,
                                const HeadGradients& gradients, HeadWorkspace& workspace) const {
  const std::size_t examples = workspace.slopes.size();
  const float* h = dense.data() + output_ + gmf_;
  float* by_h = gradients.dense.data() + output_ + gmf_;
  const PaddedMatrix& out = tower_->outputs_of_last(examples, workspace);
  const PaddedMatrix& slopes = tower_->output_slopes(examples, workspace);
  for (std::size_t n = 0; n < examples; ++n) {
    const float slope = workspace.slopes[n];
    const float* y = out.row(n);
    float* by_y = slopes.row(n);
    for (std::size_t k = 0; k < out.columns(); ++k) by_h[k] += slope * y[k];
    for (std::size_t k = 0; k < out.columns(); ++k) by_y[k] = slope * h[k];
  }
  const PaddedMatrix& by_inputs = tower_->backward(examples, dense, gradients.dense, workspace);
  for (std::size_t n = 0; n < examples; ++n) {
    const float* x = by_inputs.row(n);
    float* by_u = gradients.users.data() + batch.users.of_example[n] * shape_.user_width + gmf_;
    float* by_v = gradients.items.data() + batch.items.of_example[n] * shape_.item_width + gmf_;
    for (std::size_t k = 0; k < half_; ++k) by_u[k] += x[k];
    for (std::size_t k = 0; k < half_; ++k) by_v[k] += x[half_ + k];
  }
}

void NeuralHead::require_plain() const {
  if (tower_) throw ConfigError{"a model with layers has scores that are no dot products"};
}

PlainRow NeuralHead::plain_user(std::span<const float> row, std::span<const float> dense) const {
  PlainRow plain = plain_item(row, dense);
  for (std::size_t k = 0; k < gmf_; ++k) plain.factors[k] *= dense[output_ + k];
  return plain;
}

PlainRow NeuralHead::plain_item(std::span<const float> row, std::span<const float>) const {
  require_plain();
  FACTORPS_CHECK(row.size() == shape_.item_width);
  return {{row.begin(), row.end()}, 0};
}

float NeuralHead::plain_offset(std::span<const float> dense) const {
  require_plain();
  return dense[bias_];
}

}  // namespace factorps
