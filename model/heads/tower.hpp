/// Layers of a multi-layer perceptron over a batch: x -> relu(x W + b).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/heads/dropout.hpp"
#include "model/heads/head.hpp"
#include "model/kernels/product_kernel.hpp"

namespace factorps {

/// Uses matrices from kFirst on of a workspace. Matrix kFirst holds the inputs
/// [example][widths[0]].
class Tower {
 public:
  static constexpr std::size_t kFirst = 0;

  /// Adds its dense tensors to `shape`: layer1.weights, layer1.bias, layer2.weights ...
  Tower(const HeadOptions& options, InstructionSet set, HeadShape& shape);

  [[nodiscard]] std::size_t outputs() const noexcept { return widths_.back(); }

  /// @param inputs changed by dropout @return [example][outputs()]
  PaddedMatrix& forward(PaddedMatrix& inputs, std::span<const float> dense, const HeadBatch& batch,
                        bool training, HeadWorkspace& workspace) const;
  /// What `forward` has returned.
  PaddedMatrix& outputs_of_last(std::size_t examples, HeadWorkspace& workspace) const {
    return part(workspace, layers(), kActive, examples, outputs());
  }
  /// Where the gradients by the outputs go before `backward`, [example][outputs()].
  PaddedMatrix& output_slopes(std::size_t examples, HeadWorkspace& workspace) const;
  /// After `forward` of the same batch. Adds to the gradients of the dense parameters.
  /// @return the gradients by the inputs
  PaddedMatrix& backward(std::size_t examples, std::span<const float> dense,
                         std::span<float> gradients, HeadWorkspace& workspace) const;

 private:
  /// Matrices of layer n: what goes in, the masks of the inputs, gradients, weights in both ways.
  enum Part : std::size_t { kActive, kMask, kSlopes, kWeights, kTurned, kByWeights, kNumParts };
  PaddedMatrix& part(HeadWorkspace& workspace, std::size_t layer, Part part, std::size_t rows,
                     std::size_t columns) const {
    return workspace.matrix(kFirst + layer * kNumParts + part, rows, columns);
  }
  [[nodiscard]] std::size_t layers() const noexcept { return widths_.size() - 1; }
  void drop(PaddedMatrix& active, const HeadBatch& batch, std::size_t layer,
            HeadWorkspace& workspace) const;
  void through_layer(const PaddedMatrix& in, std::size_t layer, std::span<const float> dense,
                     PaddedMatrix& out, HeadWorkspace& workspace) const;
  void by_dense(const PaddedMatrix& in, const PaddedMatrix& slopes, std::size_t layer,
                std::span<float> gradients, HeadWorkspace& workspace) const;
  void by_inputs(const PaddedMatrix& slopes, std::size_t layer, std::span<const float> dense,
                 PaddedMatrix& result, HeadWorkspace& workspace) const;

  std::vector<std::size_t> widths_;   // [0] of the inputs, [n] of the outputs of layer n
  std::vector<std::size_t> weights_;  // [layer] offset of its weights; its biases lie behind them
  Dropout dropout_;
  AddMatrixProduct add_product_;
};

}  // namespace factorps
