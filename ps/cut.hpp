/// A consistent state of a server's rows, kept while training goes on.
///
/// Between two passes nothing changes: that is the cut. The next pass starts at once, and rows are
/// copied before they change: by the worker that leases their strip or block first (ps/tables), or
/// here at memory speed. A thread writes the copies to disk meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "io/shard_file.hpp"

namespace factorps::ps {

/// Rows to be written, in a copy that is or will be made.
struct CutPart {
  ShardPart part;
  /// Reaches `number` of the cut when the copy is there; none: it is.
  const std::atomic<std::uint64_t>* copied = nullptr;
};

struct Cut {
  std::uint64_t number = 0;  ///< 1, 2, 3 ... since the start of the job
  std::vector<CutPart> parts;
  std::vector<AlignedBuffer<std::byte>> memory;  ///< of copies that were made here
  /// Of the cut before: new memory would be filled with zeros first, page by page.
  std::vector<AlignedBuffer<std::byte>> spare = {};

  /// Copies the rows of a part, and adds it.
  void add_copy(const ShardPart& part);

 private:
  [[nodiscard]] AlignedBuffer<std::byte> take_memory(std::size_t bytes);
};

}  // namespace factorps::ps
