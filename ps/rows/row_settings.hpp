/// Optimizers and frozen parts of the tables of a model of row mode, and what it starts with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "model/optimizer.hpp"

namespace factorps::ps {

struct RowSettings {
  std::uint64_t seed = 1;
  OptimizerOptions users;
  OptimizerOptions items;
  OptimizerOptions dense;  ///< layers; of fm the offset
  OptimizerOptions features;
  bool users_frozen = false;
  bool items_frozen = false;
  bool dense_frozen = false;
  bool features_frozen = false;
  bool context_frozen = false;
  bool history_frozen = false;
  std::vector<std::uint64_t> frozen_users = {};  ///< rows, ascending
  std::vector<std::uint64_t> frozen_items = {};
  std::vector<std::uint64_t> frozen_features = {};
  std::vector<std::filesystem::path> pretrained = {};  ///< neumf: a gmf and an mlp; or none
  float pretrained_alpha = 0.5F;
};

}  // namespace factorps::ps
