/// The store of a server that keeps strips and blocks: they travel between the nodes
/// (ps/placement), or stay while rows of other nodes come by (ps/row_stream), or every node has a
/// copy of all (ps/als_tables).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/trace.hpp"
#include "io/dataset.hpp"
#include "ps/als_tables.hpp"
#include "ps/block_mover.hpp"
#include "ps/layout.hpp"
#include "ps/model_export.hpp"
#include "ps/row_exchange.hpp"
#include "ps/row_stream.hpp"
#include "ps/shard_store.hpp"
#include "ps/stream_node.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// What a server must know of the configuration.
struct ServerOptions {
  std::uint64_t seed = 1;
  float init_std = 0.1F;               ///< standard deviation of one factor
  StoredParts stored;                  ///< in the model
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
  std::unique_ptr<RowExchange> exchange =
      nullptr;  ///< for the first server of a node among several
  // Instead, if there are no copies:
  const StreamNode* streamed = nullptr;
  std::unique_ptr<RowStream> stream = nullptr;  ///< for the first server of a node
};

class BlockStore : public ShardStore {
 public:
  /// @param mover of the blocks of this node, for its first server; else none
  /// @param als if that is what the workers of the node do
  /// References must outlive the object.
  BlockStore(Shard shard, const Tables& tables, const Dataset& dataset,
             std::uint32_t steps_per_pass, ServerOptions options,
             std::unique_ptr<BlockMover> mover = nullptr, AlsNode als = {});

  void begin(const comm::StartPass& start) override;
  bool step() override;
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] std::string waits_for() const override;
  void receive(comm::Envelope envelope) override;
  [[nodiscard]] Share strips() const override { return shard_.strips; }
  [[nodiscard]] CellSums sums_of(StripId strip) const override;
  [[nodiscard]] Traffic traffic() const override;
  void initialise() override;
  [[nodiscard]] std::vector<ShardPart> parts(std::uint32_t step) const override;
  [[nodiscard]] Cut cut(std::uint64_t number, std::uint32_t step,
                        std::vector<AlignedBuffer<std::byte>> spare) override;
  void copy_rest(std::uint64_t cut) override;
  void load(ShardReader& reader, std::uint32_t step) override;
  [[nodiscard]] std::uint32_t hold() override;
  void pause(std::uint32_t step) override;
  [[nodiscard]] std::string write_model(const comm::Command& command) const override;

 private:
  void fill_bias_columns() const;
  [[nodiscard]] std::vector<BlockId> blocks_with_residents() const;
  [[nodiscard]] std::vector<StripId> strips_here() const;
  [[nodiscard]] std::vector<BlockId> blocks_here() const;
  [[nodiscard]] std::vector<double> sums_in_file(StripId strip, std::uint32_t step) const;
  void load_sums(ShardReader& reader) const;
  [[nodiscard]] ShardPart residents_part_of(BlockId block) const;
  [[nodiscard]] bool rows_moved() const;
  [[nodiscard]] bool work_finished() const;

  Shard shard_;
  const Tables& tables_;
  const Dataset& dataset_;
  std::uint32_t steps_per_pass_;
  ServerOptions options_;
  std::unique_ptr<BlockMover> mover_;
  AlsNode als_;
  std::optional<UnitCounter> units_;  // of als_
  comm::StartPass pass_;
};

}  // namespace factorps::ps
