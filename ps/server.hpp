/// The server role: the scheduler's commands and passes, on a shard: the strips and blocks, or
/// rows, with one share of the numbers.
///
/// In a pass a server lets its store move rows, if there are several nodes, and reports the sums of
/// its strips when the work of its node is done. Between passes it does the scheduler's commands:
/// initialise, save, load; server 0 also writes the model. What it saves of a cut (ps/cut.hpp) a
/// thread writes while training goes on.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "comm/memory_use.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "ps/cut_writer.hpp"
#include "ps/shard_store.hpp"

namespace factorps::ps {

/// One message or one report per step(); never blocks, except on the disk.
class Server {
 public:
  /// @param index number of the server in the job
  /// @param trace none: nothing is recorded
  /// References must outlive the object.
  Server(comm::Transport& transport, int index, std::unique_ptr<ShardStore> store,
         TraceRecorder* trace = nullptr)
      : transport_{transport}, index_{index}, store_{std::move(store)}, trace_{trace} {}

  /// @return whether there was something to do
  bool step();
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  /// Why step() found nothing to do, for people.
  [[nodiscard]] std::string waits_for() const;

 private:
  void handle(comm::Envelope envelope);
  [[nodiscard]] comm::CommandDone run(const comm::Command& command);
  void save(const comm::Command& command, comm::CommandDone& reply) const;
  void write_model(const comm::Command& command, comm::CommandDone& reply);
  void load(const std::string& directory);
  void begin_cut(const comm::Command& command);
  void report_cut();
  void report();

  comm::Transport& transport_;
  int index_;
  std::unique_ptr<ShardStore> store_;
  TraceRecorder* trace_;
  std::optional<comm::StartPass> pass_;          // running
  std::unique_ptr<CutWriter> writer_;            // of a cut, until it is on disk
  std::vector<AlignedBuffer<std::byte>> spare_;  // of the cut before
  std::uint64_t written_ = 0;                    // parts of it, when last looked
  bool stopped_ = false;
  comm::MemoryMeter memory_;
};

}  // namespace factorps::ps
