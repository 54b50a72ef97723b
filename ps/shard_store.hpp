/// What a server keeps and does, whatever the way of training: the seam between the protocol of
/// servers (ps/server.hpp) and tables of blocks (ps/block_store.hpp) or rows (ps/rows).
#pragma once

#include <string>
#include <vector>

#include "comm/messages.hpp"
#include "comm/transport.hpp"
#include "io/checkpoint.hpp"
#include "io/shard_file.hpp"
#include "ps/cut.hpp"
#include "ps/layout.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {

/// What crossed the network from this node.
struct Traffic {
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
};

class ShardStore {
 public:
  ShardStore() = default;
  ShardStore(const ShardStore&) = delete;
  ShardStore& operator=(const ShardStore&) = delete;
  virtual ~ShardStore() = default;

  virtual void begin(const comm::StartPass& start) = 0;
  /// Moves rows to and from other nodes, in a pass. Never blocks. @return whether anything moved
  virtual bool step() = 0;
  /// Whether the work of the node in this pass is done, and all that others await from it.
  [[nodiscard]] virtual bool finished() const = 0;
  /// A message of another server or of a worker. @throws ProtocolError if none can come
  virtual void receive(comm::Envelope envelope) = 0;

  /// What finished() still misses, for people.
  [[nodiscard]] virtual std::string waits_for() const { return "the workers of its node"; }

  /// The strips whose sums this server reports.
  [[nodiscard]] virtual Share strips() const = 0;
  /// Of the pass. What belongs to no strip counts for the first.
  [[nodiscard]] virtual CellSums sums_of(StripId strip) const = 0;
  /// Of the pass.
  [[nodiscard]] virtual Traffic traffic() const = 0;
  /// Row mode: the rows that most was pushed to in a training pass that is done; once.
  [[nodiscard]] virtual std::vector<comm::HotRow> hot_rows() { return {}; }

  virtual void initialise() = 0;
  /// What this server writes and nobody else, where it lies now.
  /// @param step within an epoch: the sums of what is done too; 0: between epochs
  [[nodiscard]] virtual std::vector<ShardPart> parts(std::uint32_t step) const = 0;
  /// The same, in copies that are made here and now.
  /// @param spare memory of the cut before
  [[nodiscard]] virtual Cut cut(std::uint64_t number, std::uint32_t step,
                                std::vector<AlignedBuffer<std::byte>> spare);
  /// What the workers of a pass would still copy of a cut, when no pass comes.
  virtual void copy_rest(std::uint64_t) {}
  virtual void load(ShardReader& reader, std::uint32_t step) = 0;

  // Within a training pass of cells (ps/leases.hpp) or mini-batches (ps/rows/row_gate.hpp).
  /// @return the first step that nobody on this node has begun; until pause() nobody does
  [[nodiscard]] virtual std::uint32_t hold();
  virtual void pause(std::uint32_t step);

  /// Of the first server. @return digest of the model
  [[nodiscard]] virtual std::string write_model(const comm::Command& command) const = 0;
};

}  // namespace factorps::ps
