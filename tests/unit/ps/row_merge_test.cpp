#include "ps/rows/row_merge.hpp"

#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps::ps {
namespace {

using Rows = std::vector<std::uint64_t>;
/// Which lists had a row, in the order in which they were said.
using Merged = std::vector<std::pair<std::uint64_t, std::vector<std::size_t>>>;

constexpr RowRange kAll{0, 1000};
constexpr std::size_t kAhead = 3;

/// Lists of rows of one value, which says whose it is.
class Lists {
 public:
  explicit Lists(const std::vector<Rows>& lists) : lists_{lists} {
    for (std::size_t n = 0; n < lists.size(); ++n) {
      values_.emplace_back(lists[n].size(), static_cast<float>(n));
      sections_.push_back(
          {0, RowValues::narrow, lists_[n], reinterpret_cast<const std::byte*>(values_[n].data())});
    }
  }

  Merged merge(RowRange range) const {
    RowMerge merge;
    merge.begin(1);
    for (const RowSection& section : sections_) merge.add(section, range);
    merge.begin(1);  // forgets them
    for (const RowSection& section : sections_) merge.add(section, range);
    Merged merged;
    std::vector<std::uint64_t> coming;
    merge.for_each(
        kAhead,
        [&](std::uint64_t row, std::span<const Contribution> all) {
          merged.emplace_back(row, std::vector<std::size_t>{});
          for (const Contribution& one : all) {
            merged.back().second.push_back(
                static_cast<std::size_t>(*reinterpret_cast<const float*>(one.values)));
          }
        },
        [&](std::uint64_t row) { coming.push_back(row); });
    Rows said;
    for (const auto& [row, lists] : merged) said.insert(said.end(), lists.size(), row);
    EXPECT_EQ(coming,
              Rows(said.begin() + std::min<std::ptrdiff_t>(kAhead, std::ssize(said)), said.end()));
    return merged;
  }

  Merged expected(RowRange range) const {
    std::map<std::uint64_t, std::vector<std::size_t>> by_row;
    for (std::size_t n = 0; n < lists_.size(); ++n) {
      for (const std::uint64_t row : lists_[n]) {
        if (row >= range.begin && row < range.end) by_row[row].push_back(n);
      }
    }
    return {by_row.begin(), by_row.end()};
  }

 private:
  std::vector<Rows> lists_;
  std::vector<std::vector<float>> values_;
  std::vector<RowSection> sections_;
};

TEST(MergeRows, SaysEachRowOnceWithAllListsThatHaveIt) {
  const std::vector<std::vector<Rows>> cases{
      {},
      {{}},
      {{}, {}},
      {{4, 5, 9}},
      {{1, 2, 3}, {10, 11}, {20}},           // apart
      {{10, 11}, {}, {1, 2, 30}},            // around
      {{1, 2, 3}, {3, 4, 5}, {5}},           // touching
      {{1, 5, 6, 7, 9}, {1, 8, 9}, {1, 9}},  // together, alone for a while, together
      {{7, 8}, {7, 8}, {7, 8}},              // the same
  };
  for (const auto& lists : cases) {
    EXPECT_EQ(Lists{lists}.merge(kAll), Lists{lists}.expected(kAll));
  }
}

TEST(MergeRows, KeepsToTheRange) {
  const Lists lists{{{1, 5, 9}, {2, 5, 8}}};
  EXPECT_EQ(lists.merge({5, 9}), lists.expected({5, 9}));
}

TEST(MergeRows, DoesSoForListsOfEveryDensity) {
  const RandomStream random{9, Purpose::generate};
  for (std::uint64_t n = 0; n < 50; ++n) {
    std::vector<Rows> lists(1 + random.below(6, n, 0));
    for (std::uint32_t l = 0; l < lists.size(); ++l) {
      const std::uint64_t sparse = 1 + random.below(20, n, 1 + l);
      for (std::uint32_t row = 0; row < 200; ++row) {
        if (random.below(sparse, n, 1000 * (l + 1) + row) == 0) lists[l].push_back(row);
      }
    }
    EXPECT_EQ(Lists{lists}.merge(kAll), Lists{lists}.expected(kAll)) << n;
  }
}

}  // namespace
}  // namespace factorps::ps
