#include "io/cell_sort.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>

#include "common/check.hpp"
#include "common/parallel.hpp"
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

/// The entries of every user, users ascending.
struct ByUser {
  std::vector<std::uint64_t> begin;  // [user row], plus the end
  Column<Entry> entries;
  Column<std::int64_t> times;  // [entry], or none
};

/// Groups the entries of the users of some strips. Every group looks at all interactions, but
/// writes only what belongs to its own users.
class UserGrouper {
 public:
  UserGrouper(const PartitionedInteractions& in, Part part, const Grid& grid, std::uint32_t groups)
      : in_{in}, part_{part}, grid_{grid}, groups_{std::min(groups, grid.strips())} {}

  ByUser run() {
    ByUser result{std::vector<std::uint64_t>(grid_.users() + 1, 0), {}, {}};
    std::uint64_t* const begin = result.begin.data();
    for_each([&](std::size_t n) { ++begin[in_.users[n] + std::size_t{1}]; });
    std::partial_sum(result.begin.begin(), result.begin.end(), result.begin.begin());
    result.entries.resize(result.begin.back());
    const bool timed = !in_.times.empty();
    if (timed) result.times.resize(result.begin.back());
    std::vector<std::uint64_t> next(result.begin.begin(), result.begin.end() - 1);
    for_each([&](std::size_t n) {
      const std::uint64_t place = next[in_.users[n]]++;
      result.entries[place] = entry(in_.items[n], in_.values[n]);
      if (timed) result.times[place] = in_.times[n];
    });
    return result;
  }

 private:
  /// Calls take(n) for every interaction n of the part, in order within a group.
  template <class Take>
  void for_each(const Take& take) const {
    run_on_threads(groups_, groups_, [&](std::uint32_t group) {
      const std::uint32_t first = users_before(group);
      const std::uint32_t count = users_before(group + 1) - first;
      for (std::size_t n = 0; n < in_.users.size(); ++n) {
        if (in_.users[n] - first < count && in_.parts[n] == part_) take(n);
      }
    });
  }
  [[nodiscard]] std::uint32_t users_before(std::uint32_t group) const {
    const auto strip = static_cast<std::uint32_t>(part_begin(grid_.strips(), group, groups_));
    return static_cast<std::uint32_t>(grid_.strip_begin[strip]);
  }

  const PartitionedInteractions& in_;
  Part part_;
  const Grid& grid_;
  std::uint32_t groups_;
};

/// What the cells of one strip add to an image beside items and values.
struct StripCells {
  Column<Run> runs;
  std::vector<std::uint64_t> cell_runs;      // [block] runs of the strip before its end
  std::vector<std::uint64_t> cell_end;       // [block] interactions of the part before its end
  std::vector<std::uint64_t> cell_checksum;  // [block]
};

/// Sorts one strip and writes its items and values to their place in the image. Strips touch
/// nothing in common, so each may run on a thread of its own.
class StripSorter {
 public:
  StripSorter(ByUser& source, const Grid& grid, const ValueCode& code, StripId strip,
              PartImage& image)
      : source_{source},
        grid_{grid},
        code_{code},
        encode_{code},
        users_{grid.users_of(strip)},
        image_{image},
        written_{source.begin[users_.begin]} {}

  StripCells run() {
    std::vector<std::uint64_t> next;  // [user of the strip] first entry not written
    for (std::uint64_t u = users_.begin; u < users_.end; ++u) {
      sort_user(source_.begin[u], source_.begin[u + 1]);
      next.push_back(source_.begin[u]);
    }
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) write_cell(grid_.items_of(BlockId{b}), next);
    FACTORPS_CHECK(written_ == source_.begin[users_.end]);
    return std::move(cells_);
  }

 private:
  void sort_user(std::uint64_t begin, std::uint64_t end) {
    Entry* const entries = source_.entries.data();
    if (source_.times.empty()) {
      std::sort(entries + begin, entries + end);
      return;
    }
    std::vector<std::pair<Entry, std::int64_t>> timed;
    for (std::uint64_t n = begin; n < end; ++n) timed.emplace_back(entries[n], source_.times[n]);
    std::ranges::sort(timed);
    for (const auto& [own, time] : timed) {
      entries[begin] = own;
      source_.times[begin++] = time;
    }
  }

  void write_cell(const RowRange& items, std::vector<std::uint64_t>& next) {
    const std::uint64_t first = written_;
    const std::size_t first_run = cells_.runs.size();
    for (std::size_t u = 0; u < next.size(); ++u) {
      const std::uint64_t before = next[u];
      next[u] = write_run(before, source_.begin[users_.begin + u + 1], items);
      if (next[u] == before) continue;
      cells_.runs.push_back(
          {static_cast<std::uint32_t>(u), static_cast<std::uint32_t>(next[u] - before)});
    }
    const CellView cell{std::span{cells_.runs}.subspan(first_run),
                        std::span{image_.items}.subspan(first, written_ - first),
                        code_.narrow ? image_.codes.data() + first : nullptr,
                        code_.narrow ? nullptr : image_.values.data() + first, code_};
    cells_.cell_checksum.push_back(cell_checksum(cell));
    cells_.cell_runs.push_back(cells_.runs.size());
    cells_.cell_end.push_back(written_);
  }

  /// Writes entries from `from` while they lie in `items`. @return the first that does not
  std::uint64_t write_run(std::uint64_t from, std::uint64_t end, const RowRange& items) {
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
    if (!source_.times.empty()) {
      std::copy_n(source_.times.data() + from, count, image_.times.data() + written_);
    }
    written_ += count;
    return from + count;
  }

  ByUser& source_;
  const Grid& grid_;
  ValueCode code_;
  ValueEncoder encode_;
  RowRange users_;
  PartImage& image_;
  std::uint64_t written_;
  StripCells cells_;
};

/// Puts the cells of the strips one after the other; frees their runs.
void join(PartImage& image, std::vector<StripCells>& strips, std::uint32_t threads) {
  std::vector<std::uint64_t> begin{0};  // [strip] first run
  for (const StripCells& cells : strips) {
    for (const std::uint64_t runs : cells.cell_runs) image.cell_runs.push_back(begin.back() + runs);
    image.cell_begin.insert(image.cell_begin.end(), cells.cell_end.begin(), cells.cell_end.end());
    image.cell_checksum.insert(image.cell_checksum.end(), cells.cell_checksum.begin(),
                               cells.cell_checksum.end());
    begin.push_back(begin.back() + cells.runs.size());
  }
  image.runs.resize(begin.back());
  run_on_threads(static_cast<std::uint32_t>(strips.size()), threads, [&](std::uint32_t s) {
    const Column<Run> runs = std::exchange(strips[s].runs, {});
    std::copy(runs.begin(), runs.end(), image.runs.data() + begin[s]);
  });
}

}  // namespace

PartImage sort_into_cells(const PartitionedInteractions& interactions, Part part, const Grid& grid,
                          const ValueCode& code, std::uint32_t threads) {
  ByUser source = UserGrouper{interactions, part, grid, threads}.run();
  PartImage image;
  image.items.resize(source.entries.size());
  if (code.narrow) {
    image.codes.resize(source.entries.size());
  } else {
    image.values.resize(source.entries.size());
  }
  image.times.resize(source.times.size());
  std::vector<StripCells> strips(grid.strips());
  run_on_threads(grid.strips(), threads, [&](std::uint32_t s) {
    strips[s] = StripSorter{source, grid, code, StripId{s}, image}.run();
  });
  image.cell_runs.push_back(0);
  image.cell_begin.push_back(0);
  join(image, strips, threads);
  return image;
}

}  // namespace factorps
