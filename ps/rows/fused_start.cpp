#include "ps/rows/fused_start.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

[[noreturn]] void fail(const Model& model, const std::string& what) {
  throw DataError{fmt::format("{}: {}", model.path().string(), what)};
}

void check_rows(const Model& model, const Dataset& dataset) {
  model.verify();
  if (model.info().provenance.find(dataset.fingerprint()) != std::string::npos) return;
  fail(model, fmt::format("was trained on another dataset than {}, expected the same one to start "
                          "from",
                          dataset.path().string()));
}

void check_gmf(const Model& model, std::size_t dim) {
  const ModelInfo& info = model.info();
  if (info.kind != "mf" || info.dim != dim) {
    fail(model, fmt::format("is a model of kind {} with {} columns, expected a gmf of model.dim = "
                            "{} to start from",
                            info.kind, info.dim, dim));
  }
  const auto zero = [](float bias) { return bias == 0; };
  if (!std::ranges::all_of(model.user_bias(), zero) ||
      !std::ranges::all_of(model.item_bias(), zero)) {
    fail(model, "has biases, expected a gmf to start from");
  }
}

void check_mlp(const Model& model, const std::vector<std::size_t>& tower) {
  const ModelInfo& info = model.info();
  if (info.kind == "mlp" && std::ranges::equal(info.layers->tower, tower)) return;
  fail(model, fmt::format("is a model of kind {}{}, expected an mlp with model.tower = [{}] to "
                          "start from",
                          info.kind,
                          info.layers
                              ? fmt::format(" with tower [{}]", fmt::join(info.layers->tower, ", "))
                              : std::string{},
                          fmt::join(tower, ", ")));
}

/// The output weights of a product of factors: ones, and the offset.
std::vector<float> product_weights(const Model& gmf) {
  std::vector<float> dense(gmf.info().dim + 1, 1.0F);
  dense.back() = static_cast<float>(gmf.info().mu);
  return dense;
}

HeadOptions product_options(const Head& neumf) {
  HeadOptions options = neumf.options();
  options.kind = HeadKind::gmf;
  return options;
}

const Head& checked_mlp(const Model& gmf, const Model& mlp, const Head& neumf) {
  check_gmf(gmf, neumf.options().dim);
  check_mlp(mlp, neumf.options().tower);
  return *mlp.head();
}

}  // namespace

FusedStart::FusedStart(const Head& neumf, const std::filesystem::path& gmf,
                       const std::filesystem::path& mlp, float alpha, const Dataset& dataset)
    : gmf_{gmf},
      mlp_{mlp},
      product_{make_head(product_options(neumf))},
      fusion_{*product_, checked_mlp(gmf_, mlp_, neumf), neumf, alpha},
      dense_(neumf.shape().dense_size) {
  check_rows(gmf_, dataset);
  check_rows(mlp_, dataset);
  fusion_.check();
  fusion_.fuse_dense(product_weights(gmf_), mlp_.info().layers->dense, dense_);
}

void FusedStart::user(std::uint64_t row, std::span<float> values) const {
  fusion_.fuse_row(gmf_.user(row), mlp_.user(row), values);
}

void FusedStart::item(std::uint64_t row, std::span<float> values) const {
  fusion_.fuse_row(gmf_.item(row), mlp_.item(row), values);
}

}  // namespace factorps::ps
