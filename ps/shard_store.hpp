/// What a server keeps and does, whatever the way of training: the seam between the protocol of
/// servers (ps/server.hpp) and tables of blocks (ps/block_store.hpp) or rows (ps/rows).
#pragma once

#include <string>

#include "comm/messages.hpp"
#include "comm/transport.hpp"
#include "io/checkpoint.hpp"
#include "io/shard_file.hpp"
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

  /// The strips whose sums this server reports.
  [[nodiscard]] virtual Share strips() const = 0;
  /// Of the pass. What belongs to no strip counts for the first.
  [[nodiscard]] virtual CellSums sums_of(StripId strip) const = 0;
  /// Of the pass.
  [[nodiscard]] virtual Traffic traffic() const = 0;

  virtual void initialise() = 0;
  /// Writes what nobody else writes.
  virtual void save(ShardWriter& writer) const = 0;
  virtual void load(const ShardReader& reader) = 0;
  /// Of the first server. @return digest of the model
  [[nodiscard]] virtual std::string write_model(const comm::Command& command) const = 0;
};

}  // namespace factorps::ps
