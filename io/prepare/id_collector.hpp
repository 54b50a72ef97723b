/// Numbers for external ids in the order they are met, before anybody knows all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace factorps {

/// Distinct ids. Those that are canonical integers and the others are numbered apart: the others
/// carry kTextBit.
struct CollectedIds {
  static constexpr std::uint32_t kTextBit = 0x8000'0000;
  std::vector<std::int64_t> integers;        // [number]
  std::vector<std::uint64_t> offsets = {0};  // [number without kTextBit], plus the end
  std::string bytes;
  [[nodiscard]] std::size_t texts() const noexcept { return offsets.size() - 1; }
  [[nodiscard]] std::string_view text(std::size_t n) const {
    return std::string_view{bytes}.substr(offsets[n], offsets[n + 1] - offsets[n]);
  }
};

/// Id -> number; open addressing, at most half full.
/// @throws DataError at 2^31 distinct ids of one kind
class IdCollector {
 public:
  IdCollector();
  [[nodiscard]] std::uint32_t add(std::int64_t id) {
    if (id != last_ || ids_.integers.empty()) {  // files are often sorted by user
      last_number_ = lookup(id);
      last_ = id;
    }
    return last_number_;
  }
  /// Any text; a canonical integer gets the number of that integer.
  [[nodiscard]] std::uint32_t add(std::string_view id);
  [[nodiscard]] const CollectedIds& ids() const noexcept { return ids_; }
  /// Hands the ids over; the collector is of no further use.
  [[nodiscard]] CollectedIds release();

 private:
  struct Slot {
    std::int64_t key = 0;      // the integer, or the hash of the text
    std::uint32_t number = 0;  // plus 1; 0: free
  };
  [[nodiscard]] std::uint32_t lookup(std::int64_t id);
  static void grow(std::vector<Slot>& slots);

  CollectedIds ids_;
  std::vector<Slot> integer_slots_;  // a power of two
  std::vector<Slot> text_slots_;     // a power of two
  std::int64_t last_ = 0;
  std::uint32_t last_number_ = 0;
};

}  // namespace factorps
