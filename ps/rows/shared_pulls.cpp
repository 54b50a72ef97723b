#include "ps/rows/shared_pulls.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "ps/tables.hpp"

namespace factorps::ps {
namespace {

/// Beside rows: the header of a section, and what rounds it up.
constexpr std::size_t kSectionRoom = 3 * sizeof(std::uint64_t);

/// Writes the rows of ascending lists, each once. @return how many
/// @param repeated is increased by the others
std::uint64_t merge(std::vector<std::span<const std::uint64_t>>& lists, std::uint64_t* to,
                    std::uint64_t& repeated) {
  constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t count = 0;
  for (;;) {
    std::uint64_t row = kEnd;
    for (const auto& list : lists) {
      if (!list.empty()) row = std::min(row, list.front());
    }
    if (row == kEnd) return count;
    to[count++] = row;
    std::uint64_t wishes = 0;
    for (auto& list : lists) {
      if (list.empty() || list.front() != row) continue;
      list = list.subspan(1);
      ++wishes;
    }
    repeated += wishes - 1;
  }
}

}  // namespace

SharedPulls::SharedPulls(const RowLayout& layout, const RowJob& job, int node)
    : layout_{layout}, node_{node} {
  const auto here = job.workers_of(node);
  workers_ = static_cast<std::uint32_t>(here.size());
  OffsetCursor cursor;
  slots_ = cursor.take(2 * here.size() * kAlignment);
  static_assert(sizeof(Slot) <= kAlignment);
  for (std::size_t& values : values_) {
    auto& lists = lists_.emplace_back();
    const auto nodes = static_cast<std::size_t>(layout.nodes());
    std::size_t room = here.size() * nodes * layout.tables().size() * kSectionRoom;
    for (const std::size_t worker : here) {
      std::size_t bytes = 0;
      for (std::size_t t = 0; t < layout.tables().size(); ++t) {
        const std::uint64_t rows = job.most_rows[worker][t];
        bytes += section_bytes(RowValues::none, 0, rows);
        room += rows * bytes_of_row(t);
      }
      lists.push_back(cursor.take(bytes));
    }
    values = cursor.take(room);
  }
  bytes_ = cursor.take(0);
}

std::size_t SharedPulls::bytes_needed(const RowLayout& layout, const RowJob& job, int node) {
  return SharedPulls{layout, job, node}.bytes_;
}

SharedPulls::SharedPulls(std::span<std::byte> memory, const RowLayout& layout, const RowJob& job,
                         int node)
    : SharedPulls{layout, job, node} {
  FACTORPS_CHECK(memory.size() >= bytes_);
  memory_ = memory;
}

SharedPulls::Slot& SharedPulls::slot(std::uint32_t worker, std::uint64_t step) const {
  const std::size_t number = (step % 2) * workers_ + worker;
  return *reinterpret_cast<Slot*>(memory_.data() + slots_ + number * kAlignment);
}

std::size_t SharedPulls::bytes_of_row(std::size_t table) const {
  return sizeof(std::uint64_t) + layout_.tables()[table].width * sizeof(float);
}

void SharedPulls::wish(std::uint32_t worker, std::uint64_t step,
                       const std::vector<std::vector<std::uint64_t>>& rows) const {
  std::byte* const begin = memory_.data() + lists_[step % 2][worker];
  std::byte* at = begin;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    const auto section =
        open_section(at, static_cast<std::uint32_t>(t), RowValues::none, 0, rows[t].size());
    std::ranges::copy(rows[t], section.rows);
  }
  Slot& mine = slot(worker, step);
  mine.list_bytes = static_cast<std::uint64_t>(at - begin);
  mine.wished.store(step + 1, std::memory_order_release);
}

bool SharedPulls::all_wished(std::uint64_t step) const {
  return all_of(
      step, [](const Slot& slot) -> const auto& { return slot.wished; });
}
bool SharedPulls::all_delivered(std::uint64_t step) const {
  return all_of(
      step, [](const Slot& slot) -> const auto& { return slot.delivered; });
}

template <class Clock>
bool SharedPulls::all_of(std::uint64_t step, Clock&& clock) const {
  for (std::uint32_t w = 0; w < workers_; ++w) {
    if (clock(slot(w, step)).load(std::memory_order_acquire) != step + 1) return false;
  }
  return true;
}

std::vector<std::vector<RowSection>> SharedPulls::lists(std::uint64_t step) const {
  std::vector<std::vector<RowSection>> lists;
  for (std::uint32_t w = 0; w < workers_; ++w) {
    const auto bytes = memory_.subspan(lists_[step % 2][w], slot(w, step).list_bytes);
    lists.push_back(read_sections(bytes, layout_.tables()));
  }
  return lists;
}

/// Behind what the slices of the workers before this one may take.
std::size_t SharedPulls::begin_of(std::uint32_t worker,
                                  const std::vector<std::vector<RowSection>>& lists) const {
  std::size_t bytes = 0;
  for (int node = 0; node < layout_.nodes(); ++node) {
    for (std::size_t t = 0; t < layout_.tables().size(); ++t) {
      const RowRange all = layout_.rows_of(t, node);
      const RowRange before{all.begin, slice_of(all, worker, workers_).begin};
      std::size_t rows = 0;
      for (const auto& list : lists) rows += within(list[t].rows, before).size();
      bytes += rows * bytes_of_row(t) + worker * kSectionRoom;
    }
  }
  return round_up(bytes, sizeof(std::uint64_t));
}

std::vector<SharedPulls::Slice> SharedPulls::open(std::uint32_t worker, std::uint64_t step,
                                                  std::uint64_t& repeated) const {
  const auto lists = this->lists(step);
  Slot& mine = slot(worker, step);
  mine.offset = begin_of(worker, lists);
  std::byte* const begin = memory_.data() + values_[step % 2] + mine.offset;
  std::byte* at = begin;
  std::vector<Slice> slices;
  std::vector<std::span<const std::uint64_t>> some(workers_);
  for (int node = 0; node < layout_.nodes(); ++node) {
    if (node == node_) continue;
    for (std::size_t t = 0; t < layout_.tables().size(); ++t) {
      const RowRange range = slice_of(layout_.rows_of(t, node), worker, workers_);
      for (std::uint32_t w = 0; w < workers_; ++w) some[w] = within(lists[w][t].rows, range);
      auto* rows = reinterpret_cast<std::uint64_t*>(at + section_bytes(RowValues::none, 0, 0));
      const std::uint64_t count = merge(some, rows, repeated);
      if (count == 0) continue;
      const OpenSection section = open_section(at, static_cast<std::uint32_t>(t), RowValues::narrow,
                                               layout_.tables()[t].width, count);
      slices.push_back({node, t, {section.rows, count}, section.values});
    }
  }
  mine.bytes = static_cast<std::uint64_t>(at - begin);
  return slices;
}

void SharedPulls::deliver(std::uint32_t worker, std::uint64_t step) const {
  slot(worker, step).delivered.store(step + 1, std::memory_order_release);
}

std::vector<RowSection> SharedPulls::delivered(std::uint32_t worker, std::uint64_t step) const {
  const Slot& of = slot(worker, step);
  return read_sections(memory_.subspan(values_[step % 2] + of.offset, of.bytes), layout_.tables());
}

}  // namespace factorps::ps
