#include "ps/rows/shared_pulls.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/random.hpp"

namespace factorps::ps {
namespace {

constexpr std::uint32_t kWorkers = 3;  // of node 1
constexpr std::uint64_t kMost = 12;    // rows of a table that each of them needs

/// Rows of odd widths, so that sections end beside multiples of eight bytes.
class SharedPullsOf : public testing::Test {
 protected:
  static RowTable table(const char* name, std::uint32_t width) {
    return {name, width, {0, 10, 20, 30}, OptimizerOptions{}, false, {}};
  }
  static RowJob three_nodes() {
    RowJob job;
    job.node_of_worker = {0, 1, 1, 1, 2};
    job.most_rows.assign(5, {kMost, kMost});
    return job;
  }
  using Rows = std::vector<std::vector<std::uint64_t>>;  // [table]

  /// As many as there may be, of the first rows, of the last, or of any.
  Rows some_rows(std::uint64_t step, std::uint32_t worker) const {
    const RandomStream random{step, Purpose::generate};
    Rows rows;
    for (std::uint32_t t = 0; t < 2; ++t) {
      std::set<std::uint64_t> chosen;
      for (std::uint32_t n = 0; chosen.size() < kMost; ++n) {
        const std::uint64_t any = random.below(20, worker, 1000 * t + n);
        const std::uint64_t row = step % 3 == 0 ? n : step % 3 == 1 ? 19 - n : any;
        chosen.insert(row < 10 ? row : row + 10);  // this node has those between
      }
      rows.emplace_back(chosen.begin(), chosen.end());
    }
    return rows;
  }

  RowLayout layout_{{table("users", 1), table("items", 5)}, {{0, 1}, {1, 2}, {2, 3}}};
  RowJob job_ = three_nodes();
  AlignedBuffer<std::byte> memory_{SharedPulls::bytes_needed(layout_, job_, 1)};
  SharedPulls pulls_{memory_.span(), layout_, job_, 1};
};

float value_of(std::uint64_t step, std::size_t table, std::uint64_t row) {
  return static_cast<float>(step * 1000 + table * 100 + row);
}

TEST_F(SharedPullsOf, GiveEveryWorkerWhatAnyOfThemNeedsEachRowOnce) {
  for (std::uint64_t step = 0; step < 30; ++step) {
    std::vector<std::set<std::uint64_t>> needed(2);
    EXPECT_FALSE(pulls_.all_wished(step));
    for (std::uint32_t w = 0; w < kWorkers; ++w) {
      const Rows rows = some_rows(step, w);
      for (std::size_t t = 0; t < 2; ++t) needed[t].insert(rows[t].begin(), rows[t].end());
      pulls_.wish(w, step, rows);
    }
    ASSERT_TRUE(pulls_.all_wished(step));
    std::uint64_t repeated = 0;
    for (std::uint32_t w = 0; w < kWorkers; ++w) {
      for (const SharedPulls::Slice& slice : pulls_.open(w, step, repeated)) {
        const std::uint32_t width = layout_.tables()[slice.table].width;
        auto* values = reinterpret_cast<float*>(slice.values);
        for (const std::uint64_t row : slice.rows) {
          EXPECT_EQ(layout_.node_of(slice.table, row), slice.node);
          values = std::fill_n(values, width, value_of(step, slice.table, row));
        }
      }
      EXPECT_FALSE(pulls_.all_delivered(step));
      pulls_.deliver(w, step);
    }
    ASSERT_TRUE(pulls_.all_delivered(step));
    EXPECT_EQ(repeated, 2 * kWorkers * kMost - needed[0].size() - needed[1].size());
    std::vector<std::set<std::uint64_t>> found(2);
    for (std::uint32_t w = 0; w < kWorkers; ++w) {
      for (const RowSection& section : pulls_.delivered(w, step)) {
        const auto* values = reinterpret_cast<const float*>(section.values);
        const std::uint32_t width = layout_.tables()[section.table].width;
        for (std::size_t n = 0; n < section.rows.size(); ++n) {
          const std::uint64_t row = section.rows[n];
          EXPECT_TRUE(found[section.table].insert(row).second) << "row " << row << " twice";
          for (std::uint32_t c = 0; c < width; ++c) {
            EXPECT_EQ(values[n * width + c], value_of(step, section.table, row));
          }
        }
      }
    }
    EXPECT_EQ(found, needed) << "step " << step;
  }
}

}  // namespace
}  // namespace factorps::ps
