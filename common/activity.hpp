/// What the threads of a job are doing: written by each, read by the watchdogs of the ranks of the
/// machine, also when the thread or its whole process does nothing any more.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace factorps {

/// Text that one thread writes and others, of other processes too, read whole or not at all.
template <std::size_t Words>
class SharedText {
 public:
  void write(std::string_view text) noexcept;
  [[nodiscard]] std::string read() const;

 private:
  std::atomic<std::uint32_t> version_{0};  // odd while it is written
  std::array<std::atomic<std::uint64_t>, Words> words_{};
};

/// What a worker holds while it works on a piece.
struct Holding {
  enum class Kind : std::uint8_t { nothing, cell, rows, step };
  Kind kind = Kind::nothing;
  std::uint32_t epoch = 0;
  std::uint32_t strip = 0;  ///< or piece of the rows, or step
  std::uint32_t block = 0;
};

/// "strip 3 and block 5 (cell of epoch 2)"; empty: nothing.
[[nodiscard]] std::string text_of(const Holding& holding);

/// An activity as it was at one moment.
struct ActivitySeen {
  int rank = 0;
  bool lives = false;        ///< has come and not left
  bool beside = false;       ///< of a thread that the main thread's process has besides
  std::int64_t process = 0;  ///< or thread
  std::uint64_t ticks = 0;
  std::uint64_t progress = 0;
  bool resting = false;
  Holding holding;
  std::string who;
  std::string doing;
  std::string waits_for;  ///< if resting
};

/// Of one thread. All-zero memory is one of nobody: so it may lie in memory of several processes.
class Activity {
 public:
  enum class Stage : std::uint32_t { nobody, lives, left };

  // By the thread whose activity it is; writing is a few stores.
  void enter(std::string_view who, std::int64_t process) noexcept;
  void leave() noexcept { stage_.store(Stage::left, std::memory_order_release); }
  void progress() noexcept { add(progress_); }
  void rest(std::string_view waits_for) noexcept;
  void wake() noexcept { resting_.store(false, std::memory_order_relaxed); }
  void hold(const Holding& holding) noexcept;
  void rename(std::string_view who) noexcept { who_.write(who); }
  void begin(std::string_view doing) noexcept { doing_.write(doing); }

  // By the watchdog of its process.
  void tick() noexcept { add(ticks_); }
  void found_busy() noexcept { add(busy_); }

  // By anybody.
  [[nodiscard]] ActivitySeen see(int rank) const;

 private:
  /// One writer: no need for an atomic sum.
  static void add(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  std::atomic<Stage> stage_{Stage::nobody};
  std::atomic<bool> resting_{false};
  std::atomic<std::int64_t> process_{0};
  std::atomic<std::uint64_t> ticks_{0};
  std::atomic<std::uint64_t> busy_{0};
  std::atomic<std::uint64_t> progress_{0};
  std::atomic<std::uint64_t> held_what_{0};   // kind and epoch
  std::atomic<std::uint64_t> held_where_{0};  // strip and block
  SharedText<8> who_;
  SharedText<24> doing_;
  SharedText<64> waits_for_;
};

namespace detail {
extern thread_local Activity* activity_of_thread;
}

/// Of the calling thread; none outside jobs.
[[nodiscard]] inline Activity* activity() noexcept { return detail::activity_of_thread; }

/// The calling thread got on.
inline void note_progress() noexcept {
  if (Activity* const mine = activity()) mine->progress();
}

/// While it lives the calling thread has this activity.
class ActivityScope {
 public:
  /// @param mine must outlive the object
  ActivityScope(Activity& mine, std::string_view who);
  ActivityScope(const ActivityScope&) = delete;
  ActivityScope& operator=(const ActivityScope&) = delete;
  ~ActivityScope();
  /// Those of all threads of this process.
  [[nodiscard]] static std::vector<ActivitySeen> of_process(int rank);

 private:
  Activity& mine_;
  Activity* before_;
};

/// Says for a while what the calling thread is doing.
class Doing {
 public:
  explicit Doing(std::string_view what);
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;
  ~Doing();

 private:
  std::string before_;
};

/// Says for a while that the calling thread waits, in a call that does not return before.
class Waiting {
 public:
  explicit Waiting(std::string_view what) {
    if (Activity* const mine = activity()) mine->rest(what);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (Activity* const mine = activity()) {
      mine->wake();
      mine->progress();
    }
  }
};

}  // namespace factorps
