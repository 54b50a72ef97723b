#include <algorithm>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "model/heads/neural_head.hpp"

namespace factorps {

void Fusion::check() const {
  if (!(alpha >= 0 && alpha <= 1)) {
    throw ConfigError{fmt::format("model.fusion_alpha = {}: expected a number in [0, 1]", alpha)};
  }
  const auto is = [](const Head& head, HeadKind kind) { return head.options().kind == kind; };
  if (!is(gmf, HeadKind::gmf) || !is(mlp, HeadKind::mlp) || !is(neumf, HeadKind::neumf)) {
    throw ConfigError{"neumf starts from a model of kind gmf and one of kind mlp"};
  }
  const HeadOptions& wanted = neumf.options();
  if (gmf.options().dim != wanted.dim) {
    throw ConfigError{
        fmt::format("model.dim = {}: the gmf to start from has {}", wanted.dim, gmf.options().dim)};
  }
  if (mlp.options().tower != wanted.tower) {
    throw ConfigError{fmt::format("model.tower = [{}]: the mlp to start from has [{}]",
                                  fmt::join(wanted.tower, ", "),
                                  fmt::join(mlp.options().tower, ", "))};
  }
}

void Fusion::fuse_row(std::span<const float> gmf_row, std::span<const float> mlp_row,
                      std::span<float> row) const {
  FACTORPS_CHECK(gmf_row.size() + mlp_row.size() == row.size());
  std::ranges::copy(mlp_row, std::ranges::copy(gmf_row, row.begin()).out);
}

void Fusion::fuse_dense(std::span<const float> gmf_dense, std::span<const float> mlp_dense,
                        std::span<float> dense) const {
  FACTORPS_CHECK(gmf_dense.size() == gmf.shape().dense_size);
  FACTORPS_CHECK(mlp_dense.size() == mlp.shape().dense_size);
  FACTORPS_CHECK(dense.size() == neumf.shape().dense_size);
  // Both end with output.weights and output.bias.
  const std::size_t layers = mlp.shape().tensor("output.weights").offset;
  auto to = std::ranges::copy(mlp_dense.first(layers), dense.begin()).out;
  const float rest = 1 - alpha;
  for (const float h : gmf_dense.first(gmf_dense.size() - 1)) *to++ = alpha * h;
  const auto outputs = mlp_dense.subspan(layers, mlp_dense.size() - layers - 1);
  for (const float h : outputs) *to++ = rest * h;
  *to = alpha * gmf_dense.back() + rest * mlp_dense.back();
}

}  // namespace factorps
