/// The rows and layers that neumf starts with when a gmf and an mlp were trained before.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "io/dataset.hpp"
#include "io/model_file.hpp"
#include "model/heads/neural_head.hpp"

namespace factorps::ps {

/// Of a gmf its model.h5 holds a plain form, rows u and v with scores <u, v> + mu. That is a gmf
/// with output weights 1, and this is how it is taken up; so any product of factors without biases
/// will do.
class FusedStart {
 public:
  /// @param neumf must outlive the object
  /// @throws DataError if a model is of another kind or shape, or trained on another dataset
  FusedStart(const Head& neumf, const std::filesystem::path& gmf, const std::filesystem::path& mlp,
             float alpha, const Dataset& dataset);

  void user(std::uint64_t row, std::span<float> values) const;
  void item(std::uint64_t row, std::span<float> values) const;
  [[nodiscard]] const std::vector<float>& dense() const noexcept { return dense_; }

 private:
  Model gmf_;
  Model mlp_;
  std::unique_ptr<Head> product_;
  Fusion fusion_;
  std::vector<float> dense_;
};

}  // namespace factorps::ps
