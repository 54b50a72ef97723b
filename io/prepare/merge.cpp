#include "io/prepare/merge.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/parallel.hpp"

namespace factorps {
namespace {

/// Number in a chunk -> dense id.
struct DenseIds {
  std::vector<std::uint32_t> integers;
  std::vector<std::uint32_t> texts;
  [[nodiscard]] std::uint32_t operator()(std::uint32_t number) const {
    return (number & CollectedIds::kTextBit) == 0 ? integers[number]
                                                  : texts[number ^ CollectedIds::kTextBit];
  }
};

/// Ids of one side (users or items) of all chunks, made one.
struct UnitedIds {
  IdTable table;
  std::vector<DenseIds> dense;  // [chunk]
};

/// A key and where it came from.
template <class Key>
struct Origin {
  Key key;
  std::uint32_t chunk;
  std::uint32_t number;
};

/// Sorts by key and gives equal keys one dense id. @return the distinct keys in order
template <class Key>
std::vector<Key> number_in_order(std::vector<Origin<Key>>& origins, std::vector<DenseIds>& dense) {
  std::sort(origins.begin(), origins.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<Key> distinct;
  for (const auto& origin : origins) {
    if (distinct.empty() || distinct.back() != origin.key) distinct.push_back(origin.key);
    const auto id = static_cast<std::uint32_t>(distinct.size() - 1);
    DenseIds& target = dense[origin.chunk];
    const bool text = (origin.number & CollectedIds::kTextBit) != 0;
    (text ? target.texts : target.integers)[origin.number & ~CollectedIds::kTextBit] = id;
  }
  return distinct;
}

std::vector<Origin<std::int64_t>> integer_origins(const std::vector<CollectedIds>& chunks) {
  std::vector<Origin<std::int64_t>> origins;
  for (std::uint32_t c = 0; c < chunks.size(); ++c) {
    for (std::uint32_t n = 0; n < chunks[c].integers.size(); ++n) {
      origins.push_back({chunks[c].integers[n], c, n});
    }
  }
  return origins;
}

UnitedIds unite_integers(const std::vector<CollectedIds>& chunks, std::vector<DenseIds> dense) {
  auto origins = integer_origins(chunks);
  auto distinct = number_in_order(origins, dense);
  return {IdTable::of_integers(std::move(distinct)), std::move(dense)};
}

UnitedIds unite_texts(const std::vector<CollectedIds>& chunks, std::vector<DenseIds> dense) {
  const auto integers = integer_origins(chunks);
  std::vector<std::string> decimal;  // integers among texts are texts too
  decimal.reserve(integers.size());  // views into it must stay valid
  std::vector<Origin<std::string_view>> origins;
  for (const auto& [key, chunk, number] : integers) {
    origins.push_back({decimal.emplace_back(std::to_string(key)), chunk, number});
  }
  for (std::uint32_t c = 0; c < chunks.size(); ++c) {
    for (std::uint32_t n = 0; n < chunks[c].texts(); ++n) {
      origins.push_back({chunks[c].text(n), c, n | CollectedIds::kTextBit});
    }
  }
  const auto distinct = number_in_order(origins, dense);
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (const std::string_view id : distinct) {
    bytes += id;
    offsets.push_back(bytes.size());
  }
  return {IdTable::of_strings(std::move(offsets), std::move(bytes)), std::move(dense)};
}

UnitedIds unite(const std::vector<CollectedIds>& chunks) {
  std::vector<DenseIds> dense;
  bool any_text = false;
  for (const CollectedIds& ids : chunks) {
    dense.push_back(
        {std::vector<std::uint32_t>(ids.integers.size()), std::vector<std::uint32_t>(ids.texts())});
    any_text |= ids.texts() > 0;
  }
  return any_text ? unite_texts(chunks, std::move(dense))
                  : unite_integers(chunks, std::move(dense));
}

void check(const std::vector<Chunk>& chunks, const BadRows& bad, std::uint64_t max_bad_rows) {
  for (const Chunk& chunk : chunks) {
    // The first in the order of the files, whichever kind of trouble it is.
    if (max_bad_rows == 0 && chunk.bad.count > 0) throw DataError{chunk.bad.first.front()};
    if (!chunk.failure.empty()) throw DataError{chunk.failure};
  }
  if (bad.count > max_bad_rows) {
    throw DataError{fmt::format("more than {} bad rows (clean.max_bad_rows); the first are:\n  {}",
                                max_bad_rows, fmt::join(bad.first, "\n  "))};
  }
}

/// Of files without a row to train on.
std::string why_no_row(const RawInteractions& data, std::uint64_t test_rows) {
  const char* const files = test_rows == 0 ? "the files hold" : "data.source holds";
  if (data.skipped.weight_0 + data.skipped.no_user > 0) {
    return fmt::format(
        "{} no interaction that counts: {} rows are events of weight 0, {} have no user", files,
        data.skipped.weight_0, data.skipped.no_user);
  }
  if (data.bad.count == 0) return fmt::format("{} no interaction", files);
  if (data.bad.count < data.lines) {
    return fmt::format("{} no usable row: {} of {} were bad, the first at {}", files,
                       data.bad.count, data.lines, data.bad.first.front());
  }
  return fmt::format("all {} rows were bad, the first at {}", data.bad.count,
                     data.bad.first.front());
}

BadRows all_bad_rows(const std::vector<Chunk>& chunks) {
  BadRows bad;
  for (const Chunk& chunk : chunks) {
    bad.count += chunk.bad.count;
    for (const std::string& message : chunk.bad.first) {
      if (bad.first.size() < BadRows::kShown) bad.first.push_back(message);
    }
  }
  return bad;
}

/// The columns `of` all chunks, one after the other, each number put through `map` of its chunk.
/// The first chunk's column grows, the others are freed.
template <class T, class Map>
Column<T> join(std::vector<Chunk>& chunks, Column<T> Rows::*of, std::uint32_t threads,
               const Map& map) {
  std::vector<std::size_t> begin{0};
  for (const Chunk& chunk : chunks) begin.push_back(begin.back() + (chunk.rows.*of).size());
  Column<T> joined = std::exchange(chunks.front().rows.*of, {});
  joined.resize(begin.back());
  for_ranges(joined.size(), threads, [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint32_t c = 0; c < chunks.size(); ++c) {
      const std::uint64_t from = std::max<std::uint64_t>(first, begin[c]);
      const std::uint64_t to = std::min<std::uint64_t>(last, begin[c + 1]);
      const T* const source = c == 0 ? joined.data() : (chunks[c].rows.*of).data();
      for (std::uint64_t n = from; n < to; ++n) joined[n] = map(c, source[n - begin[c]]);
    }
  });
  for (Chunk& chunk : chunks) chunk.rows.*of = {};
  return joined;
}

}  // namespace

RawInteractions merge_chunks(std::vector<Chunk> chunks, std::uint64_t max_bad_rows,
                             std::uint32_t threads) {
  RawInteractions result;
  result.bad = all_bad_rows(chunks);
  check(chunks, result.bad, max_bad_rows);
  std::vector<CollectedIds> users;
  std::vector<CollectedIds> items;
  std::size_t rows = 0;
  for (Chunk& chunk : chunks) {
    users.push_back(std::move(chunk.users));
    items.push_back(std::move(chunk.items));
    rows += chunk.rows.size();
    result.lines += chunk.lines;
    result.source_rows += chunk.source_rows;
    result.skipped.weight_0 += chunk.skipped.weight_0;
    result.skipped.no_user += chunk.skipped.no_user;
  }
  if (result.source_rows == 0) throw DataError{why_no_row(result, rows)};
  auto [user_table, user_dense] = unite(users);
  auto [item_table, item_dense] = unite(items);
  result.user_ids = std::move(user_table);
  result.item_ids = std::move(item_table);
  const auto dense = [](const std::vector<DenseIds>& ids) {
    return [&ids](std::uint32_t chunk, std::uint32_t number) { return ids[chunk](number); };
  };
  const auto same = [](std::uint32_t /*chunk*/, auto value) { return value; };
  result.rows.users = join(chunks, &Rows::users, threads, dense(user_dense));
  result.rows.items = join(chunks, &Rows::items, threads, dense(item_dense));
  result.rows.values = join(chunks, &Rows::values, threads, same);
  result.rows.times = join(chunks, &Rows::times, threads, same);
  return result;
}

}  // namespace factorps
