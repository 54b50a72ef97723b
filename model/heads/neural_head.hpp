/// gmf, mlp and neumf: He, Liao, Zhang, Nie, Hu, Chua, "Neural collaborative filtering", 2017.
#pragma once

#include <optional>

#include "model/heads/tower.hpp"

namespace factorps {

/// score = <h_gmf, p * q> + <h_mlp, tower([u; v])> + b, with p * q number by number. gmf has the
/// first product only, mlp the second. A row is [p | u], or [q | v]; the dense parameters are the
/// tower's, then output.weights (h_gmf, then h_mlp) and output.bias.
class NeuralHead final : public Head {
 public:
  NeuralHead(const HeadOptions& options, InstructionSet set);

  [[nodiscard]] bool has_plain_form() const noexcept override { return !tower_; }
  [[nodiscard]] PlainRow plain_user(std::span<const float> row,
                                    std::span<const float> dense) const override;
  [[nodiscard]] PlainRow plain_item(std::span<const float> row,
                                    std::span<const float> dense) const override;
  [[nodiscard]] float plain_offset(std::span<const float> dense) const override;

 private:
  void forward(const HeadBatch& batch, std::span<const float> dense, bool training,
               HeadWorkspace& workspace) const override;
  void backward(const HeadBatch& batch, std::span<const float> dense,
                const HeadGradients& gradients, HeadWorkspace& workspace) const override;
  void require_plain() const;
  PaddedMatrix& tower_inputs(const HeadBatch& batch, std::size_t examples,
                             HeadWorkspace& workspace) const;
  void backward_products(const HeadBatch& batch, std::span<const float> dense,
                         const HeadGradients& gradients, const HeadWorkspace& workspace) const;
  void backward_tower(const HeadBatch& batch, std::span<const float> dense,
                      const HeadGradients& gradients, HeadWorkspace& workspace) const;

  std::size_t gmf_;   // factors of the first product
  std::size_t half_;  // of the inputs of the tower
  std::optional<Tower> tower_;
  std::size_t output_;  // offset of h
  std::size_t bias_;    // offset of b
};

/// NeuMF from a trained gmf and mlp, section 3.4.1 of the paper: rows side by side, the layers of
/// mlp, and output weights alpha h_gmf and (1 - alpha) h_mlp, biases likewise. So its scores are
/// alpha x those of gmf + (1 - alpha) x those of mlp.
struct Fusion {
  const Head& gmf;
  const Head& mlp;
  const Head& neumf;  ///< with the dim of gmf and the tower of mlp
  float alpha = 0.5F;

  /// @throws ConfigError if the shapes do not fit or alpha is not in [0, 1]
  void check() const;
  /// A row of a user or an item. @param row [neumf width]
  void fuse_row(std::span<const float> gmf_row, std::span<const float> mlp_row,
                std::span<float> row) const;
  void fuse_dense(std::span<const float> gmf_dense, std::span<const float> mlp_dense,
                  std::span<float> dense) const;
};

}  // namespace factorps
