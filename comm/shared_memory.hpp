/// Memory that all ranks of a node see: one MPI window, or plain memory in a job of one process.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "comm/environment.hpp"

namespace factorps::comm {

/// Zeroed memory, aligned to a page, the same for every rank of the node.
class SharedMemory {
 public:
  /// Collective over all ranks.
  /// @param node number of this rank's node; its ranks must be on one machine and ask for the same
  ///        size
  /// @param ranks_of_node how many they are
  /// @param bytes for this node
  /// @param machine_bytes for all nodes of this machine, for there may be pretend ones
  /// @throws ResourceError on every rank, with the number of missing bytes, if the machine's shared
  ///         memory file system (/dev/shm) is too small
  SharedMemory(const Environment& environment, int node, int ranks_of_node, std::size_t bytes,
               std::size_t machine_bytes);
  SharedMemory(SharedMemory&&) noexcept;
  SharedMemory& operator=(SharedMemory&&) noexcept;
  /// Collective under a launcher. Skipped while an exception is on its way.
  ~SharedMemory();

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::span<std::byte> bytes_;
};

}  // namespace factorps::comm
