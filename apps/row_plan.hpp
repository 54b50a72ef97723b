/// Row mode's part of a job: its tables, who holds them, and how workers train.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/config.hpp"
#include "io/dataset.hpp"
#include "model/heads/head.hpp"
#include "ps/placement.hpp"
#include "ps/rows/row_model.hpp"
#include "ps/rows/row_node.hpp"
#include "ps/rows/row_settings.hpp"
#include "worker/rows/row_work.hpp"

namespace factorps::apps {

/// What row mode minimises, by train.loss.
[[nodiscard]] HeadLoss head_loss(const TrainConfig& train);

/// The same on every rank.
struct RowPlan {
  /// @throws ConfigError for sizes that make no model; what find_frozen_rows() throws
  /// @param dataset none: attributes of fm and frozen rows count for nothing
  RowPlan(const Config& config, const Grid& grid, const ps::JobLayout& job,
          const ps::Placement& placement, const Dataset* dataset);

  HeadOptions head;  ///< but mu
  ps::RowSettings settings;
  ps::RowLayout layout;
  ps::RowPolicy policy;
  worker::RowWorkOptions work;
  std::vector<int> node_of_worker;  // [worker]

  /// @param cells training interactions [cell]
  [[nodiscard]] ps::RowJob job(const Grid& grid, std::span<const std::uint64_t> cells) const;
  /// Bytes of memory of a node.
  [[nodiscard]] std::size_t bytes(const Grid& grid, std::span<const std::uint64_t> cells,
                                  int node) const;
  /// @param set of the job's kernels
  [[nodiscard]] std::unique_ptr<ps::RowModel> model(const Config& config, const Dataset& dataset,
                                                    InstructionSet set) const;
};

}  // namespace factorps::apps
