#include "ps/stream_index.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/check.hpp"

namespace factorps::ps {
namespace {

constexpr std::uint64_t kOwn = std::numeric_limits<std::uint64_t>::max();  // always there

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
void put(std::uint64_t number, std::vector<std::uint8_t>& codes) {
  for (; number >= 128; number /= 128) codes.push_back(static_cast<std::uint8_t>(number | 128));
  codes.push_back(static_cast<std::uint8_t>(number));
}

std::uint64_t get(const std::vector<std::uint8_t>& codes, std::uint64_t& at) {
  std::uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    const std::uint8_t byte = codes.at(at++);
    number |= std::uint64_t{byte & 127U} << shift;
    if (byte < 128) return number;
  }
}

}  // namespace

StreamIndex::StreamIndex(const StreamMap& map, int node, Side side)
    : map_{map},
      node_{node},
      side_{side},
      batches_{map.batches(side, node)},
      most_{std::max(map.buffer() / 8, std::uint64_t{1})},
      window_{map.buffer() - std::min(map.buffer(), 3 * most_)} {
  find_rows_of_table();
}

void StreamIndex::find_rows_of_table() {
  const Side other = side_ == Side::users ? Side::items : Side::users;
  const Grid& grid = map_.grid();
  const std::uint64_t rows = other == Side::users ? grid.users() : grid.items();
  loaded_at_.resize(rows);
  at_.resize(rows);
  for (std::uint64_t row = 0; row < rows; ++row) {
    const RowAddress address = map_.address(other, row);
    if (address.node != node_) continue;
    loaded_at_[row] = kOwn;
    at_[row] = address.at;
  }
}

void StreamIndex::add(const RowLists& lists) {
  begun_ = 0;
  std::uint64_t batch = batches_.first(range_, 0);
  ++range_;
  for (const std::uint64_t end = batches_.first(range_, 0); batch < end; ++batch) {
    const RowRange rows = batches_.at(batch).rows;
    const std::size_t before = fresh_.size();
    mark(lists, rows, loaded_ - std::min(loaded_, window_));
    if (fresh_.size() <= most_) continue;
    undo(before);
    if (rows.begin > begun_) close(lists, rows.begin, batch);
    mark(lists, rows, loaded_ - std::min(loaded_, window_));
    if (fresh_.size() <= most_) continue;
    mark(lists, rows, loaded_);  // it may push out what it would have used
    FACTORPS_CHECK(fresh_.size() <= map_.buffer());
    close(lists, rows.end, batch + 1);
  }
  close(lists, lists.begin.size() - 1, batch);
}

/// Notes the rows that are not there, if loaded before the oldest that counts.
void StreamIndex::mark(const RowLists& lists, RowRange rows, std::uint64_t oldest) {
  const std::uint64_t begin = lists.begin[rows.begin];
  for (const std::uint32_t other : lists.others.subspan(begin, lists.begin[rows.end] - begin)) {
    if (loaded_at_[other] > oldest) continue;
    fresh_.push_back({other, loaded_at_[other]});
    loaded_at_[other] = loaded_ + 1;
  }
}

void StreamIndex::undo(std::size_t from) {
  for (std::size_t n = from; n < fresh_.size(); ++n) {
    loaded_at_[fresh_[n].row] = fresh_[n].before;
  }
  fresh_.resize(from);
}

/// Loads what was noted, and lets the lists point there.
void StreamIndex::close(const RowLists& lists, std::uint64_t end_row, std::uint64_t end_batch) {
  if (end_row == begun_) return;
  const Side other = side_ == Side::users ? Side::items : Side::users;
  std::vector<std::pair<RowAddress, std::uint32_t>> rows;  // and their numbers in the table
  for (const Fresh& fresh : fresh_) rows.emplace_back(map_.address(other, fresh.row), fresh.row);
  std::ranges::sort(rows, {}, [](const auto& row) {
    return std::pair{row.first.node, row.first.at};
  });
  portions_.push_back({end_batch, loaded_, rows.size(), codes_.size()});
  const std::uint64_t first_slot = map_.own_rows(node_);
  std::size_t n = 0;
  for (int node = 0; node < map_.nodes() && !rows.empty(); ++node) {
    if (node == node_) continue;
    const auto of_others = [&](const auto& row) { return row.first.node != node; };
    const auto end =
        std::find_if(rows.begin() + static_cast<std::ptrdiff_t>(n), rows.end(), of_others);
    put(static_cast<std::uint64_t>(end - rows.begin()) - n, codes_);
    for (std::uint32_t last = 0; rows.begin() + static_cast<std::ptrdiff_t>(n) != end; ++n) {
      const auto& [address, row] = rows[n];
      put(address.at - std::exchange(last, address.at), codes_);
      at_[row] = static_cast<std::uint32_t>(first_slot + loaded_ % map_.buffer());
      loaded_at_[row] = ++loaded_;
    }
  }
  const std::uint64_t begin = lists.begin[begun_];
  for (std::uint32_t& place : lists.others.subspan(begin, lists.begin[end_row] - begin)) {
    place = at_[place];
  }
  fresh_.clear();
  begun_ = end_row;
}

void StreamIndex::finish() {
  loaded_at_ = {};
  at_ = {};
  fresh_ = {};
  codes_.shrink_to_fit();
  portions_.shrink_to_fit();
}

std::vector<Load> StreamIndex::loads(std::size_t portion) const {
  std::vector<Load> loads;
  const Portion& of = portions_.at(portion);
  std::uint64_t at = of.code;
  std::uint64_t loaded = of.loaded;
  for (int node = 0; node < map_.nodes() && of.rows > 0; ++node) {
    if (node == node_) continue;
    Load load{node, std::vector<std::uint32_t>(get(codes_, at)), loaded % map_.buffer()};
    std::uint32_t last = 0;
    for (std::uint32_t& row : load.rows) row = last += static_cast<std::uint32_t>(get(codes_, at));
    loaded += load.rows.size();
    if (!load.rows.empty()) loads.push_back(std::move(load));
  }
  return loads;
}

/// A portion uses nothing that was loaded more than window_ rows before it, and its own rows push
/// out what was loaded a whole buffer before them.
std::vector<std::uint64_t> StreamIndex::solved_before() const {
  std::vector<std::uint64_t> before;
  std::uint64_t n = 0;
  for (const Portion& portion : portions_) {
    const std::uint64_t end = portion.loaded + portion.rows + window_;
    while (n < before.size() && portions_[n].loaded + map_.buffer() < end) ++n;
    before.push_back(n);
  }
  return before;
}

}  // namespace factorps::ps
