/// Raw text to rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "io/event_weight.hpp"
#include "io/prepare/chunk.hpp"
#include "io/text/layout.hpp"

namespace factorps {

/// A part of one file that starts at the start of a line.
struct Segment {
  std::filesystem::path path;
  TextLayout layout;
  std::uint64_t begin = 0;  ///< bytes; 0 and the maximum for compressed and quoted files
  std::uint64_t end = 0;
};

/// What makes a row good.
struct RowRules {
  bool drop_without_user = false;   ///< a row whose user is empty is left out, not bad
  bool hold_time = false;           ///< rows carry times; a row without one is bad
  std::vector<EventWeight> events;  ///< of files with a column of them
  std::optional<float> min_value;   ///< inclusive, of the value before its event's weight
  std::optional<float> max_value;
  std::uint64_t max_bad_rows = 0;  ///< reading stops after one more than these
};

/// Appends rows to a chunk.
class RowReader {
 public:
  /// @param bytes of plain text for which to make room, if more than it reads: others are joined
  explicit RowReader(const RowRules& rules, std::uint64_t bytes = 0)
      : rules_{rules}, bytes_{bytes} {}

  /// Reads a whole segment, or up to the bad row that is one too many.
  /// @throws DataError if the file cannot be read
  void read(const Segment& segment);
  [[nodiscard]] std::size_t rows() const noexcept { return chunk_.rows.size(); }
  [[nodiscard]] bool too_many_bad_rows() const noexcept {
    return chunk_.bad.count > rules_.max_bad_rows;
  }
  [[nodiscard]] Chunk release();

 private:
  class Parser;
  RowRules rules_;
  std::uint64_t bytes_;
  IdCollector users_;
  IdCollector items_;
  Chunk chunk_;
};

}  // namespace factorps
