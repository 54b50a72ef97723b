#include "io/prepare/clean.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"

namespace factorps {
namespace {

constexpr std::array<std::pair<std::string_view, Duplicates>, 6> kDuplicates{
    {{"keep_all", Duplicates::keep_all},
     {"keep_last", Duplicates::keep_last},
     {"keep_first", Duplicates::keep_first},
     {"mean", Duplicates::mean},
     {"sum", Duplicates::sum},
     {"max", Duplicates::max}}};

/// Merges equal pairs in one pass, in place: slot k is the k-th row kept.
class DuplicateMerger {
 public:
  DuplicateMerger(GroupedRows& data, Duplicates how)
      : data_{data}, how_{how}, slot_of_item_(data.num_items, 0) {}

  void run() {
    std::size_t n = 0;
    for (std::uint64_t user = 0; user < data_.users(); ++user) {
      data_.begin[user] = kept_;
      while (n < data_.begin[user + 1]) {
        const Part part = data_.parts[n];
        const std::size_t first_slot = kept_;
        for (; n < data_.begin[user + 1] && data_.parts[n] == part; ++n) take(n, first_slot);
        finish(first_slot);
      }
    }
    data_.begin.back() = kept_;
    shrink();
  }

 private:
  void take(std::size_t n, std::size_t first_slot) {
    std::uint64_t& slot = slot_of_item_[data_.rows.items[n]];  // plus 1
    if (slot <= first_slot) {                                  // from an earlier user, or never
      move_row(n, kept_);
      slot = ++kept_;
      if (sums()) totals_.push_back({double{data_.rows.values[kept_ - 1]}, 1});
    } else {
      merge(n, slot - 1, first_slot);
    }
  }

  void merge(std::size_t n, std::size_t slot, std::size_t first_slot) {
    auto& values = data_.rows.values;
    auto& times = data_.rows.times;
    const std::int64_t older = times.empty() ? 0 : times[slot];
    const std::int64_t newer = times.empty() ? 0 : times[n];
    switch (how_) {
      case Duplicates::keep_all:
        return;
      case Duplicates::keep_last:
        if (newer >= older) move_row(n, slot);
        return;
      case Duplicates::keep_first:
        if (newer < older) move_row(n, slot);
        return;
      case Duplicates::max:
        values[slot] = std::max(values[slot], values[n]);
        break;
      case Duplicates::mean:
      case Duplicates::sum:
        totals_[slot - first_slot].sum += double{values[n]};
        ++totals_[slot - first_slot].count;
        break;
    }
    if (!times.empty()) times[slot] = std::max(older, newer);
  }

  void finish(std::size_t first_slot) {
    for (std::size_t k = 0; k < totals_.size(); ++k) {
      const double divisor = how_ == Duplicates::mean ? static_cast<double>(totals_[k].count) : 1.0;
      const auto value = static_cast<float>(totals_[k].sum / divisor);
      if (!std::isfinite(value))
        throw DataError{"the sum of duplicates exceeds the range of float"};
      data_.rows.values[first_slot + k] = value;
    }
    totals_.clear();
  }

  void move_row(std::size_t from, std::size_t to) {
    data_.rows.users[to] = data_.rows.users[from];
    data_.rows.items[to] = data_.rows.items[from];
    data_.rows.values[to] = data_.rows.values[from];
    if (!data_.rows.times.empty()) data_.rows.times[to] = data_.rows.times[from];
    data_.parts[to] = data_.parts[from];
  }

  void shrink() {
    data_.rows.users.resize(kept_);
    data_.rows.items.resize(kept_);
    data_.rows.values.resize(kept_);
    if (!data_.rows.times.empty()) data_.rows.times.resize(kept_);
    data_.parts.resize(kept_);
  }

  [[nodiscard]] bool sums() const { return how_ == Duplicates::mean || how_ == Duplicates::sum; }

  struct Total {
    double sum;
    std::uint64_t count;
  };
  GroupedRows& data_;
  Duplicates how_;
  std::vector<std::uint64_t> slot_of_item_;  // [item] last slot of the item plus 1, or 0
  std::vector<Total> totals_;                // [slot - first slot of the user's part]
  std::size_t kept_ = 0;
};

}  // namespace

void keep_time_window(RawInteractions& data, std::optional<std::int64_t> from,
                      std::optional<std::int64_t> to) {
  if (!from && !to) return;
  Rows& rows = data.rows;
  FACTORPS_CHECK(rows.times.size() == rows.size());
  std::size_t kept = 0;
  std::size_t kept_source = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const std::int64_t time = rows.times[n];
    if ((from && time < *from) || (to && time >= *to)) continue;
    rows.users[kept] = rows.users[n];
    rows.items[kept] = rows.items[n];
    rows.values[kept] = rows.values[n];
    rows.times[kept++] = time;
    kept_source += n < data.source_rows;
  }
  rows.users.resize(kept);
  rows.items.resize(kept);
  rows.values.resize(kept);
  rows.times.resize(kept);
  data.source_rows = kept_source;
}

Duplicates duplicates_from(std::string_view setting) {
  for (const auto& [name, duplicates] : kDuplicates) {
    if (name == setting) return duplicates;
  }
  throw ConfigError{fmt::format("clean.duplicates = \"{}\" is unknown", setting)};
}

void merge_duplicates(GroupedRows& data, Duplicates duplicates) {
  if (duplicates != Duplicates::keep_all) DuplicateMerger{data, duplicates}.run();
}

void keep_core(GroupedRows& data, std::int64_t min_user_interactions,
               std::int64_t min_item_interactions) {
  if (min_user_interactions <= 1 && min_item_interactions <= 1) return;
  const auto least_user =
      static_cast<std::uint64_t>(std::max<std::int64_t>(min_user_interactions, 0));
  const auto least_item =
      static_cast<std::uint64_t>(std::max<std::int64_t>(min_item_interactions, 0));
  for (std::size_t before = data.size() + 1; data.size() < before;) {
    before = data.size();
    std::vector<std::uint64_t> user_rows(data.users(), 0);
    std::vector<std::uint64_t> item_rows(data.num_items, 0);
    for (std::size_t n = 0; n < data.size(); ++n) {
      if (data.parts[n] != Part::train) continue;
      ++user_rows[data.rows.users[n]];
      ++item_rows[data.rows.items[n]];
    }
    keep_rows(data, [&](std::size_t n) {
      return data.parts[n] != Part::train || (user_rows[data.rows.users[n]] >= least_user &&
                                              item_rows[data.rows.items[n]] >= least_item);
    });
  }
}

}  // namespace factorps
