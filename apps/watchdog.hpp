/// The watchdog of a rank: sees that no job hangs in silence.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "comm/activity_board.hpp"
#include "comm/environment.hpp"
#include "comm/signs_of_life.hpp"
#include "common/machine_watch.hpp"
#include "common/watch.hpp"
#include "io/config.hpp"

namespace factorps::apps {

/// A thread that looks at the activities of the ranks of this machine four times a second. When a
/// rank is gone or stands still, or nobody gets on, one rank says where everybody is and why the
/// job ends, and ends it with ExitCode::resources. The first ranks of the machines tell one another
/// where the ranks of theirs are, and so notice a machine on which nobody moves.
class Watchdog {
 public:
  /// The calling thread is the rank's main thread. Collective.
  /// @throws ResourceError if some rank does not come
  Watchdog(const comm::Environment& environment, const ClusterConfig& config);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  void listen(const comm::Environment& environment, double period);
  void run(const std::stop_token& stop);
  [[nodiscard]] std::vector<ActivitySeen> see() const;
  void note_whether_busy();
  void show_other_thread();
  [[nodiscard]] std::optional<Verdict> look_at_others(std::span<const ActivitySeen> seen);
  void wait_for_the_end();
  void conclude(const Verdict& verdict);

  int rank_;
  bool launched_;
  bool all_here_;  // every rank of the job is on this machine
  int stalls_ = 0;
  int looks_at_the_end_ = 0;
  double busy_until_ = 0;  // what the process had used at the last look, see note_whether_busy()
  comm::ActivityBoard board_;
  ActivityScope main_;
  Mirror beside_;
  Watch watch_;
  std::uint64_t looks_ = 0;
  std::uint64_t looks_per_sign_ = 1;
  std::mutex mutex_;
  std::optional<MachineWatch> others_;        // guarded by mutex_, as the next
  std::unique_ptr<comm::SignsOfLife> signs_;  // if there are several machines
  std::condition_variable_any over_;
  std::jthread thread_;
};

}  // namespace factorps::apps
