#include "io/cell_sort.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "common/check.hpp"
#include "io/value_code.hpp"

namespace factorps {
namespace {

/// Item row and value in one word that sorts by the item.
using Entry = std::uint64_t;
Entry entry(std::uint32_t item, float value) {
  return std::uint64_t{item} << 32 | std::bit_cast<std::uint32_t>(value);
}
std::uint32_t item_of(Entry e) { return static_cast<std::uint32_t>(e >> 32); }
float value_of(Entry e) { return std::bit_cast<float>(static_cast<std::uint32_t>(e)); }

/// The entries of every user, users ascending, items ascending.
struct ByUser {
  std::vector<std::uint64_t> begin;  // [user row], plus the end
  Column<Entry> entries;
};

ByUser group_by_user(const PartitionedInteractions& in, Part part, std::uint64_t users) {
  ByUser result{std::vector<std::uint64_t>(users + 1, 0), {}};
  for (std::size_t n = 0; n < in.users.size(); ++n) {
    if (in.parts[n] == part) ++result.begin[in.users[n] + std::size_t{1}];
  }
  for (std::uint64_t u = 0; u < users; ++u) result.begin[u + 1] += result.begin[u];
  result.entries.resize(result.begin.back());
  std::vector<std::uint64_t> next(result.begin.begin(), result.begin.end() - 1);
  for (std::size_t n = 0; n < in.users.size(); ++n) {
    if (in.parts[n] == part) result.entries[next[in.users[n]]++] = entry(in.items[n], in.values[n]);
  }
  for (std::uint64_t u = 0; u < users; ++u) {
    std::sort(result.entries.begin() + static_cast<std::ptrdiff_t>(result.begin[u]),
              result.entries.begin() + static_cast<std::ptrdiff_t>(result.begin[u + 1]));
  }
  return result;
}

/// Appends cells to an image, strip by strip.
class CellWriter {
 public:
  CellWriter(const ByUser& source, const Grid& grid, const ValueCode& code)
      : source_{source}, grid_{grid}, code_{code}, encode_{code} {
    image_.items.resize(source.entries.size());
    (code.narrow ? image_.codes.resize(source.entries.size())
                 : image_.values.resize(source.entries.size()));
    image_.cell_runs.push_back(0);
    image_.cell_begin.push_back(0);
  }

  void append_strip(StripId strip) {
    const RowRange users = grid_.users_of(strip);
    std::vector<std::uint64_t> next(
        source_.begin.begin() + static_cast<std::ptrdiff_t>(users.begin),
        source_.begin.begin() + static_cast<std::ptrdiff_t>(users.end));
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) {
      const RowRange items = grid_.items_of(BlockId{b});
      for (std::size_t u = 0; u < next.size(); ++u) {
        const std::uint64_t first = written_;
        next[u] = append_run(next[u], source_.begin[users.begin + u + 1], items);
        if (written_ == first) continue;
        image_.runs.push_back(
            {static_cast<std::uint32_t>(u), static_cast<std::uint32_t>(written_ - first)});
      }
      close_cell();
    }
  }

  [[nodiscard]] PartImage finish() {
    FACTORPS_CHECK(written_ == source_.entries.size());
    return std::move(image_);
  }

 private:
  /// Writes entries from `from` while they lie in `items`. @return the first that does not
  std::uint64_t append_run(std::uint64_t from, std::uint64_t end, const RowRange& items) {
    const Entry* const first = source_.entries.data() + from;
    const Entry* const most = source_.entries.data() + end;
    const Entry* last = first;
    while (last != most && item_of(*last) < items.end) ++last;
    const auto count = static_cast<std::size_t>(last - first);
    // Local pointers: the compiler must assume that a byte written may be a member.
    std::uint16_t* const out = image_.items.data() + written_;
    for (std::size_t k = 0; k < count; ++k) {
      out[k] = static_cast<std::uint16_t>(item_of(first[k]) - items.begin);
    }
    if (code_.narrow) {
      const ValueEncoder encode = encode_;
      std::uint8_t* const codes = image_.codes.data() + written_;
      for (std::size_t k = 0; k < count; ++k) codes[k] = encode(value_of(first[k]));
    } else {
      float* const values = image_.values.data() + written_;
      for (std::size_t k = 0; k < count; ++k) values[k] = value_of(first[k]);
    }
    written_ += count;
    return from + count;
  }

  void close_cell() {
    const std::uint64_t first = image_.cell_begin.back();
    const CellView cell{std::span{image_.runs}.subspan(image_.cell_runs.back()),
                        std::span{image_.items}.subspan(first, written_ - first),
                        image_.codes.data() + first, image_.values.data() + first, code_};
    image_.cell_checksum.push_back(cell_checksum(cell));
    image_.cell_runs.push_back(image_.runs.size());
    image_.cell_begin.push_back(written_);
  }

  const ByUser& source_;
  const Grid& grid_;
  ValueCode code_;
  ValueEncoder encode_;
  PartImage image_;
  std::uint64_t written_ = 0;
};

}  // namespace

PartImage sort_into_cells(const PartitionedInteractions& interactions, Part part, const Grid& grid,
                          const ValueCode& code) {
  const ByUser source = group_by_user(interactions, part, grid.users());
  CellWriter writer{source, grid, code};
  for (std::uint32_t s = 0; s < grid.strips(); ++s) writer.append_strip(StripId{s});
  return writer.finish();
}

}  // namespace factorps
