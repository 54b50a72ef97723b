#include "model/heads/tower.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace factorps {

Tower::Tower(const HeadOptions& options, InstructionSet set, HeadShape& shape)
    : widths_{options.tower}, dropout_{options.dropout}, add_product_{add_matrix_product_of(set)} {
  for (std::size_t n = 0; n < layers(); ++n) {
    weights_.push_back(shape.dense_size);
    shape.add(fmt::format("layer{}.weights", n + 1), widths_[n], widths_[n + 1]);
    shape.add(fmt::format("layer{}.bias", n + 1), 1, widths_[n + 1]);
  }
}

PaddedMatrix& Tower::forward(PaddedMatrix& inputs, std::span<const float> dense,
                             const HeadBatch& batch, bool training,
                             HeadWorkspace& workspace) const {
  PaddedMatrix* in = &inputs;
  for (std::size_t n = 0; n < layers(); ++n) {
    if (training && !dropout_.off()) drop(*in, batch, n, workspace);
    PaddedMatrix& out = part(workspace, n + 1, kActive, inputs.rows(), widths_[n + 1]);
    through_layer(*in, n, dense, out, workspace);
    in = &out;
  }
  return *in;
}

void Tower::drop(PaddedMatrix& active, const HeadBatch& batch, std::size_t layer,
                 HeadWorkspace& workspace) const {
  const PaddedMatrix& masks = part(workspace, layer, kMask, active.rows(), active.columns());
  for (std::size_t n = 0; n < active.rows(); ++n) {
    float* mask = masks.row(n);
    float* x = active.row(n);
    dropout_.factors(batch.seed, batch.first_example + n, layer, active.columns(), mask);
    for (std::size_t k = 0; k < active.columns(); ++k) x[k] *= mask[k];
  }
}

void Tower::through_layer(const PaddedMatrix& in, std::size_t layer, std::span<const float> dense,
                          PaddedMatrix& out, HeadWorkspace& workspace) const {
  const std::size_t rows = in.columns();
  const std::size_t columns = out.columns();
  const PaddedMatrix& weights = part(workspace, layer, kWeights, rows, columns);
  const float* from = dense.data() + weights_[layer];
  for (std::size_t k = 0; k < rows; ++k) std::copy_n(from + k * columns, columns, weights.row(k));
  const float* bias = from + rows * columns;
  for (std::size_t n = 0; n < out.rows(); ++n) std::copy_n(bias, columns, out.row(n));
  add_product_({in.data(), 1, in.stride()}, in.padded_rows(), weights.data(), weights.stride(),
               weights.stride(), rows, out.data(), out.stride());
  for (std::size_t n = 0; n < out.rows(); ++n) {
    float* y = out.row(n);
    for (std::size_t k = 0; k < columns; ++k) y[k] = y[k] > 0 ? y[k] : 0.0F;
  }
}

PaddedMatrix& Tower::output_slopes(std::size_t examples, HeadWorkspace& workspace) const {
  return part(workspace, layers(), kSlopes, examples, outputs());
}

PaddedMatrix& Tower::backward(std::size_t examples, std::span<const float> dense,
                              std::span<float> gradients, HeadWorkspace& workspace) const {
  PaddedMatrix* slopes = &output_slopes(examples, workspace);
  for (std::size_t n = layers(); n-- > 0;) {
    // Behind relu nothing changes where it has cut off, also because dropout has left it out.
    const PaddedMatrix& out = part(workspace, n + 1, kActive, examples, widths_[n + 1]);
    for (std::size_t e = 0; e < examples; ++e) {
      const float* y = out.row(e);
      float* slope = slopes->row(e);
      for (std::size_t k = 0; k < widths_[n + 1]; ++k) slope[k] = y[k] > 0 ? slope[k] : 0.0F;
    }
    const PaddedMatrix& in = part(workspace, n, kActive, examples, widths_[n]);
    by_dense(in, *slopes, n, gradients, workspace);
    PaddedMatrix& result = part(workspace, n, kSlopes, examples, widths_[n]);
    by_inputs(*slopes, n, dense, result, workspace);
    slopes = &result;
  }
  return *slopes;
}

void Tower::by_dense(const PaddedMatrix& in, const PaddedMatrix& slopes, std::size_t layer,
                     std::span<float> gradients, HeadWorkspace& workspace) const {
  const std::size_t rows = in.columns();
  const std::size_t columns = slopes.columns();
  PaddedMatrix& sums = part(workspace, layer, kByWeights, rows, columns);
  sums.clear();
  add_product_({in.data(), in.stride(), 1}, sums.padded_rows(), slopes.data(), slopes.stride(),
               slopes.stride(), in.rows(), sums.data(), sums.stride());
  float* to = gradients.data() + weights_[layer];
  for (std::size_t k = 0; k < rows; ++k) {
    const float* row = sums.row(k);
    for (std::size_t j = 0; j < columns; ++j) to[k * columns + j] += row[j];
  }
  float* bias = to + rows * columns;
  for (std::size_t n = 0; n < slopes.rows(); ++n) {
    const float* slope = slopes.row(n);
    for (std::size_t j = 0; j < columns; ++j) bias[j] += slope[j];
  }
}

void Tower::by_inputs(const PaddedMatrix& slopes, std::size_t layer, std::span<const float> dense,
                      PaddedMatrix& result, HeadWorkspace& workspace) const {
  const std::size_t rows = result.columns();
  const std::size_t columns = slopes.columns();
  const PaddedMatrix& turned = part(workspace, layer, kTurned, columns, rows);
  const float* from = dense.data() + weights_[layer];
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t k = 0; k < rows; ++k) turned.row(j)[k] = from[k * columns + j];
  }
  result.clear();
  add_product_({slopes.data(), 1, slopes.stride()}, slopes.padded_rows(), turned.data(),
               turned.stride(), turned.stride(), columns, result.data(), result.stride());
  if (dropout_.off()) return;
  const PaddedMatrix& masks = part(workspace, layer, kMask, result.rows(), rows);
  for (std::size_t n = 0; n < result.rows(); ++n) {
    for (std::size_t k = 0; k < rows; ++k) result.row(n)[k] *= masks.row(n)[k];
  }
}

}  // namespace factorps
