/// Heads whose score is a dot product: mf and mf_linear.
#pragma once

#include "model/heads/head.hpp"

namespace factorps {

/// mf: mu + b_u + b_i + <p, q>, or mu + <p, q> without biases (Koren, Bell, Volinsky 2009).
/// mf_linear: w <p, q> + b, with w and b dense.
class DotHead final : public Head {
 public:
  explicit DotHead(const HeadOptions& options);

  void initialise_dense(std::span<float> dense, std::uint64_t seed) const override;
  [[nodiscard]] bool has_plain_form() const noexcept override { return true; }
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
  [[nodiscard]] std::size_t factors() const noexcept override { return options().dim; }
  [[nodiscard]] bool linear() const noexcept { return options().kind == HeadKind::mf_linear; }
  [[nodiscard]] bool biased() const noexcept { return shape_.user_width > options().dim; }
};

}  // namespace factorps
