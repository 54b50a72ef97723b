/// The scheduler's hand on the job: passes and commands, each awaited with a deadline.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "comm/memory_use.hpp"
#include "comm/transport.hpp"
#include "common/trace.hpp"
#include "common/waiter.hpp"

namespace factorps::scheduler {

/// Sums of one pass; the strips added in ascending order, so that the bits do not depend on who
/// computed them.
struct PassResult {
  std::array<double, comm::kSumsPerStrip> sums{};
  std::vector<comm::WorkerDone> workers;  // [worker]
  double seconds = 0;                     ///< wall time
  std::uint64_t block_bytes = 0;          ///< that crossed from node to node
  std::uint64_t block_moves = 0;          ///< blocks that did
  comm::MemoryUse memory;                 ///< sum over all processes at the end of the pass
  std::vector<comm::HotRow> hot_rows;     ///< row mode: some with the most pushes, most first
  /// The step before which the pass paused; none: it went to its end.
  std::optional<std::uint32_t> paused_before;
};

/// Runs on the thread of role 0.
class Cluster {
 public:
  /// Lets other roles of this process work; called while waiting. @return whether any did
  using Pump = std::function<bool()>;
  /// Told about interactions done so far in the pass, about once a second.
  using OnProgress = std::function<void(std::uint64_t)>;

  /// @param timeout seconds without any message after which a wait throws ResourceError
  /// @param longest_nap between two calls of the pump, seconds (common/waiter.hpp)
  Cluster(comm::Transport& transport, int servers, int workers, std::uint32_t strips,
          double timeout, Pump pump, double longest_nap = kLongNap);

  /// From now on passes and commands are recorded. @param trace must outlive the object
  void record_to(TraceRecorder* trace) noexcept { trace_ = trace; }
  [[nodiscard]] PassResult run_pass(comm::StartPass start, const OnProgress& on_progress);
  /// Lets epochs pause: in a pass that trains cells or mini-batches it is asked again and again,
  /// else between passes (epoch_passes.hpp). @param steps of a pass @param asked whether to pause
  /// as soon as possible
  void pause_when(std::uint32_t steps, std::function<bool()> asked) {
    steps_ = steps;
    pause_asked_ = std::move(asked);
  }
  [[nodiscard]] bool pause_asked() const { return pause_asked_ && pause_asked_(); }
  /// @return the replies of all servers [server]
  /// @throws the error of the first server that failed
  std::vector<comm::CommandDone> run(const comm::Command& command);
  /// Gets the replies of all servers [server].
  using OnSaved = std::function<void(std::vector<comm::CommandDone>)>;
  /// Begins to save a cut; training may go on. One at a time.
  /// @param copied whether the servers make the copies: waits for that
  /// @param on_saved called when everything is on disk, within some later wait for anything
  void start_cut(const comm::Command& command, bool copied, OnSaved on_saved);
  /// Whether a cut is not on disk yet.
  [[nodiscard]] bool saving() const noexcept { return saving_.has_value(); }
  /// Waits until it is, when no pass comes that copies what is left.
  void finish_cut();
  void shutdown();

  /// Bytes of all messages to and from the scheduler since the start.
  [[nodiscard]] std::uint64_t message_bytes() const noexcept { return message_bytes_; }

 private:
  [[nodiscard]] std::vector<comm::CommandDone> collect_replies();
  /// A cut on its way to disk.
  struct Saving {
    std::uint64_t number = 0;
    int copies_missing = 0;  // servers
    int files_missing = 0;
    std::vector<comm::CommandDone> replies;  // [server]
    OnSaved on_saved;
  };
  /// Where a pass is on its way to a pause.
  struct Pausing {
    comm::CommandKind kind = comm::CommandKind::hold;
    int missing = 0;  // servers; 0: nothing is asked
    std::uint32_t step = 0;
  };

  void send(comm::RoleId to, comm::Tag tag, std::vector<std::byte> body);
  void send_to_servers(const comm::Command& command);
  [[nodiscard]] comm::Envelope receive(const std::string& what, double patience);
  template <class Enough>
  [[nodiscard]] std::optional<comm::Envelope> await(const std::string& what, double patience,
                                                    const Enough& enough);
  [[nodiscard]] bool takes_cut_reply(const comm::Envelope& envelope);
  void think_of_pausing(const comm::StartPass& start);
  void take_pause_reply(const comm::Envelope& envelope);

  comm::Transport& transport_;
  int servers_;
  int workers_;
  std::uint32_t strips_;
  double timeout_;
  Pump pump_;
  double longest_nap_;
  std::uint64_t next_pass_ = 0;
  std::uint64_t message_bytes_ = 0;
  comm::MemoryMeter memory_;
  TraceRecorder* trace_ = nullptr;
  std::optional<Saving> saving_;
  std::uint32_t steps_ = 0;
  std::function<bool()> pause_asked_;
  Pausing pausing_;
  std::optional<std::uint32_t> paused_before_;  // in this pass
};

}  // namespace factorps::scheduler
