#include "model/heads/dot_head.hpp"

#include <algorithm>

#include "common/check.hpp"
#include "model/kernels/dot_kernel.hpp"

namespace factorps {

DotHead::DotHead(const HeadOptions& options) : Head{options} {
  shape_.user_width = options.dim + (!linear() && options.biases ? 1 : 0);
  shape_.item_width = shape_.user_width;
  if (linear()) {
    shape_.add("scale", 1, 1);
    shape_.add("bias", 1, 1);
  }
}

void DotHead::initialise_dense(std::span<float> dense, std::uint64_t) const {
  FACTORPS_CHECK(dense.size() == shape_.dense_size);
  if (!linear()) return;
  dense[0] = 1;
  dense[1] = 0;
}

void DotHead::forward(const HeadBatch& batch, std::span<const float> dense, bool,
                      HeadWorkspace& workspace) const {
  const std::size_t dim = options().dim;
  const std::size_t width = shape_.user_width;
  const float scale = linear() ? dense[0] : 1.0F;
  const float offset = plain_offset(dense);
  const DotKernels& kernels = dot_kernels();
  for (std::size_t n = 0; n < workspace.scores.size(); ++n) {
    const float* user = batch.users.rows.data() + batch.users.of_example[n] * width;
    const float* item = batch.items.rows.data() + batch.items.of_example[n] * width;
    const float product = kernels.dot(scale, user, item, dim);
    workspace.scores[n] = product + (biased() ? offset + user[dim] + item[dim] : offset);
  }
}

void DotHead::backward(const HeadBatch& batch, std::span<const float> dense,
                       const HeadGradients& gradients, HeadWorkspace& workspace) const {
  const std::size_t dim = options().dim;
  const std::size_t width = shape_.user_width;
  const float scale = linear() ? dense[0] : 1.0F;
  const DotKernels& kernels = dot_kernels();
  for (std::size_t n = 0; n < workspace.scores.size(); ++n) {
    const std::size_t at_user = batch.users.of_example[n] * width;
    const std::size_t at_item = batch.items.of_example[n] * width;
    const float* user = batch.users.rows.data() + at_user;
    const float* item = batch.items.rows.data() + at_item;
    float* by_user = gradients.users.data() + at_user;
    float* by_item = gradients.items.data() + at_item;
    const float slope = workspace.slopes[n];
    kernels.add_slopes(slope * scale, user, item, dim, by_user, by_item);
    if (biased()) {
      by_user[dim] += slope;
      by_item[dim] += slope;
    }
    if (linear()) {
      gradients.dense[0] += slope * kernels.dot(1, user, item, dim);
      gradients.dense[1] += slope;
    }
  }
}

PlainRow DotHead::plain_item(std::span<const float> row, std::span<const float>) const {
  FACTORPS_CHECK(row.size() == shape_.item_width);
  return {{row.begin(), row.begin() + static_cast<std::ptrdiff_t>(options().dim)},
          biased() ? row.back() : 0.0F};
}

PlainRow DotHead::plain_user(std::span<const float> row, std::span<const float> dense) const {
  PlainRow plain = plain_item(row, dense);
  if (linear()) {
    for (float& factor : plain.factors) factor *= dense[0];
  }
  return plain;
}

float DotHead::plain_offset(std::span<const float> dense) const {
  return linear() ? dense[1] : options().mu;
}

}  // namespace factorps
