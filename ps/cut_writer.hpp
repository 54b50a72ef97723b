/// Writes a cut to disk on a thread of its own, while the server goes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "common/activity.hpp"
#include "io/shard_file.hpp"
#include "ps/cut.hpp"

namespace factorps::ps {

/// The thread calls HDF5 and the file system, never MPI. It has an activity of its own, in which it
/// says what it writes.
class CutWriter {
 public:
  /// Starts. @param path of the shard file
  CutWriter(std::filesystem::path path, Cut cut);
  CutWriter(const CutWriter&) = delete;
  CutWriter& operator=(const CutWriter&) = delete;
  /// Gives up if it is not done.
  ~CutWriter();

  /// Parts written so far, for who watches over the job.
  [[nodiscard]] std::uint64_t written() const noexcept {
    return written_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  /// What was written, when it is done. @throws what went wrong
  [[nodiscard]] CheckpointFile result() const;
  /// For the next cut, when it is done.
  [[nodiscard]] std::vector<AlignedBuffer<std::byte>> take_memory() {
    return std::move(cut_.memory);
  }

 private:
  void run();
  void write();
  /// Writes the parts whose copies are there. @return whether there were any
  bool write_copied(ShardWriter& writer, std::vector<std::size_t>& missing);

  std::filesystem::path path_;
  Cut cut_;
  CheckpointFile file_;
  std::exception_ptr failure_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<bool> done_{false};
  std::atomic<bool> abandoned_{false};
  Activity activity_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace factorps::ps
