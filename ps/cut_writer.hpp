/// Writes a cut to disk on a thread of its own, while the server goes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <thread>

#include "io/shard_file.hpp"
#include "ps/cut.hpp"

namespace factorps::ps {

/// The thread calls HDF5 and the file system, never MPI.
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

 private:
  void write();

  std::filesystem::path path_;
  Cut cut_;
  CheckpointFile file_;
  std::exception_ptr failure_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<bool> done_{false};
  std::atomic<bool> abandoned_{false};
  std::thread thread_;  // last: it uses the others
};

}  // namespace factorps::ps
