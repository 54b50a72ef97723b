/// This process in its job: alone, or one rank among many under an MPI launcher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace factorps::comm {

/// Starts MPI if a launcher started this process, else stands for a job of one rank. Exactly one
/// object per process, made in main(). Only the thread that made the object calls MPI, but for the
/// one of SignsOfLife, in turns (MPI_THREAD_SERIALIZED). Without a launcher no MPI function is ever
/// called.
class Environment {
 public:
  /// @param launched whether an MPI launcher started this process
  /// @throws Error if MPI cannot start
  explicit Environment(bool launched);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  /// Ends MPI; every rank must come here. Skipped while an exception is on its way.
  ~Environment();

  [[nodiscard]] bool launched() const noexcept { return launched_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  /// Whether MPI lets another thread call it in turns with this one.
  [[nodiscard]] bool takes_turns() const noexcept { return takes_turns_; }
  /// Host name of each rank's machine. [rank]
  [[nodiscard]] const std::vector<std::string>& hosts() const noexcept { return hosts_; }

  /// Ends the job on every rank with this exit code; does not return.
  [[noreturn]] void abort(int exit_code) const noexcept;

  // Collective over all ranks: every rank must call them in the same order. 64-bit sizes.
  /// Waits for all ranks.
  void barrier() const;
  /// @return on rank 0 the bytes of each rank [rank]; empty elsewhere
  [[nodiscard]] std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine) const;
  /// Replaces `bytes` on every rank by those of rank 0.
  void broadcast(std::vector<std::byte>& bytes) const;
  /// The smallest of all ranks' values, on every rank.
  [[nodiscard]] int minimum(int mine) const;
  /// Replaces each value by the sum of all ranks' values; modulo 2^16. As many values everywhere.
  void sum(std::span<std::uint16_t> values) const;

 private:
  bool launched_;
  int rank_ = 0;
  int size_ = 1;
  bool takes_turns_ = false;
  std::vector<std::string> hosts_;
};

}  // namespace factorps::comm
