/// The server role: keeper of a shard, the strips and blocks with one share of the numbers.
///
/// In a pass a server moves blocks, if there are several nodes, and reports the sums of its strips
/// when the work of its node is done. Between passes it does the scheduler's commands on its shard:
/// initialise, save, load; server 0 also writes the model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/memory_use.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "io/dataset.hpp"
#include "ps/als_tables.hpp"
#include "ps/block_mover.hpp"
#include "ps/layout.hpp"
#include "ps/row_exchange.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// What a server must know of the configuration.
struct ServerOptions {
  std::uint64_t seed = 1;
  float init_std = 0.1F;  ///< standard deviation of one factor
  bool store_seen = true;
  bool mean = true;                    ///< mu is the mean of the training values; else 0
  WireFormat wire = WireFormat::fp32;  ///< of factors between nodes, in training
  TraceRecorder* trace = nullptr;      ///< none: nothing is recorded
};

/// What one server keeps.
struct Shard {
  int index = 0;  ///< number of the server in the job
  Share strips;
  std::vector<BlockId> blocks;  ///< between passes
  /// Of other nodes, in the copy of this one: filled here, saved there.
  std::vector<StripId> copied_strips;
  std::vector<BlockId> copied_blocks;
};
/// The shards of all servers: each node's strips and home blocks, shared among its servers.
/// @param copies every node holds both tables whole
/// [server]
[[nodiscard]] std::vector<Shard> shards_of(const JobLayout& layout, const Placement& placement,
                                           bool copies = false);

/// How alternating least squares works on a node.
struct AlsNode {
  const AlsTables* tables = nullptr;
  std::unique_ptr<RowExchange> exchange;  ///< for the first server of a node among several
};

/// One message or one report per step(); never blocks, except on the disk.
class Server {
 public:
  /// @param mover of the blocks of this node, for its first server; else none
  /// @param als if that is what the workers of the node do
  /// References must outlive the object.
  Server(comm::Transport& transport, Shard shard, const Tables& tables, const Dataset& dataset,
         std::uint32_t steps_per_pass, ServerOptions options,
         std::unique_ptr<BlockMover> mover = nullptr, AlsNode als = {});

  /// @return whether there was something to do
  bool step();
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  void handle(const comm::Envelope& envelope);
  void begin(const comm::StartPass& start);
  [[nodiscard]] comm::CommandDone run(const comm::Command& command);
  [[nodiscard]] std::string write_model(const comm::Command& command) const;
  void initialise();
  void save(const std::string& directory, comm::CommandDone& reply);
  void load(const std::string& directory);
  void fill_bias_columns() const;
  [[nodiscard]] std::vector<BlockId> blocks_with_residents() const;
  [[nodiscard]] std::vector<StripId> strips_here() const;
  [[nodiscard]] std::vector<BlockId> blocks_here() const;
  [[nodiscard]] bool move_rows();
  [[nodiscard]] bool rows_moved() const;
  [[nodiscard]] bool work_finished() const;
  [[nodiscard]] CellSums sums_of(StripId strip) const;
  void report();

  comm::Transport& transport_;
  Shard shard_;
  const Tables& tables_;
  const Dataset& dataset_;
  std::uint32_t steps_per_pass_;
  ServerOptions options_;
  std::unique_ptr<BlockMover> mover_;
  AlsNode als_;
  std::optional<UnitCounter> units_;     // of als_
  std::optional<comm::StartPass> pass_;  // running
  bool stopped_ = false;
  comm::MemoryMeter memory_;
};

}  // namespace factorps::ps
