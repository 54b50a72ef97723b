/// How each role of a job is made, and what the roles of one node share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "apps/job_trace.hpp"
#include "apps/row_plan.hpp"
#include "comm/ring_link.hpp"
#include "comm/transport.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "model/confidence.hpp"
#include "model/kernels/ranking_kernel.hpp"
#include "model/kernels/sgd_kernel.hpp"
#include "ps/als_tables.hpp"
#include "ps/block_store.hpp"
#include "ps/placement.hpp"
#include "ps/rank_places.hpp"
#include "ps/residents.hpp"
#include "ps/server.hpp"
#include "ps/stream_map.hpp"
#include "ps/stream_node.hpp"
#include "worker/cell_work.hpp"
#include "worker/worker.hpp"

namespace factorps::apps {

/// Where things are in a job: the same on every rank.
struct JobMap {
  /// @param dataset none: nobody knows yet what is held out
  /// @throws ConfigError if the grid is too small for the nodes
  JobMap(const Config& config, const Grid& grid, ps::JobLayout job_layout, const Dataset* dataset);
  JobMap(const JobMap&) = delete;
  JobMap& operator=(const JobMap&) = delete;

  ps::JobLayout layout;
  CellOrder order;
  ps::Placement placement;
  ps::LeaseMode lease;                ///< which item rows travel
  std::vector<std::uint64_t> ranked;  ///< ps::pairs_to_rank(), if ranked as blocks come by
  bool als;                           ///< rows are solved
  bool all_pairs;                     // as AlsShare says
  bool numbered;
  std::uint32_t more_columns;           // as NodeShare says
  bool cut_copies;                      ///< room for copies of rows that travel (ps/cut.hpp)
  std::optional<ps::StreamMap> stream;  ///< if no node holds whole tables to solve them
  std::optional<RowPlan> rows;          ///< in row mode, which has no blocks that travel

  /// Whether every node holds a copy of both tables.
  [[nodiscard]] bool copies() const noexcept { return als && !stream; }
  /// What a node holds of both tables.
  [[nodiscard]] ps::NodeShare tables(int node) const;
  /// What a node solves, if that is how the job trains.
  [[nodiscard]] ps::AlsShare als_share(int node) const;
};

/// Bytes of the tables of a node.
/// @param cells training interactions [cell]
[[nodiscard]] std::size_t table_bytes(const JobMap& map, const Grid& grid, std::int64_t dim,
                                      std::span<const std::uint64_t> cells, int node);

[[nodiscard]] Confidence confidence_of(const IalsConfig& ials);
/// None if the loss does not rank.
[[nodiscard]] std::optional<worker::RankingOptions> ranking_options(const Config& config);

/// The roles of one node, over its memory. References must outlive the object.
class Roles {
 public:
  /// @param trace none: nothing is recorded
  /// @param grid of the dataset, or its first strips
  Roles(const Config& config, const Dataset& dataset, const Grid& grid, const JobMap& map,
        const Kernels& kernels, int node, std::span<std::byte> memory, JobTrace* trace);

  /// What a server of a node among several has besides.
  struct Ring {
    std::unique_ptr<comm::RingLink> link;
    ps::Residents residents;
  };

  /// @param n of the server
  /// @param ring for the first server of a node among several; else none
  [[nodiscard]] std::unique_ptr<ps::Server> server(comm::Transport& link, int n,
                                                   std::optional<Ring> ring) const;
  [[nodiscard]] std::unique_ptr<worker::Worker> worker(comm::Transport& link, int n) const;
  /// Of a role that this object makes, or of the scheduler; none without a trace.
  [[nodiscard]] TraceRecorder* recorder(comm::RoleId role) const {
    return trace_ == nullptr ? nullptr : trace_->recorder(role);
  }

 private:
  [[nodiscard]] ps::AlsNode als_node(comm::Transport& link, int n, TraceRecorder* trace,
                                     std::optional<Ring>& ring) const;
  [[nodiscard]] comm::RoleId first_server(int node) const;
  [[nodiscard]] std::unique_ptr<worker::Work> work(comm::Transport& link, int n) const;
  [[nodiscard]] std::unique_ptr<ps::ShardStore> row_store(comm::Transport& link, int n) const;

  const Config& config_;
  const Dataset& dataset_;
  const JobMap& map_;
  Kernels kernels_;
  int node_;
  std::optional<ps::Tables> tables_;  // none in row mode
  std::optional<ps::AlsTables> als_;
  std::optional<ps::StreamNode> streamed_;
  ps::RowJob row_job_;
  std::optional<ps::RowNode> rows_;
  std::optional<ps::RankPlaces> places_;
  JobTrace* trace_;
};

}  // namespace factorps::apps
