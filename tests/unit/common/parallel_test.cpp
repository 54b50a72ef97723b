#include "common/parallel.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps {
namespace {

TEST(RunOnThreads, CallsEveryTaskOnce) {
  for (const std::uint32_t tasks : {0U, 1U, 2U, 7U, 100U}) {
    for (const std::uint32_t threads : {0U, 1U, 2U, 3U, 8U}) {
      std::vector<std::atomic<int>> calls(tasks);
      run_on_threads(tasks, threads, [&](std::uint32_t n) { ++calls[n]; });
      for (std::uint32_t n = 0; n < tasks; ++n) EXPECT_EQ(calls[n], 1) << n << " of " << tasks;
    }
  }
}

TEST(RunOnThreads, BringsAnErrorHome) {
  for (const std::uint32_t thrower : {0U, 5U, 9U}) {
    const auto task = [&](std::uint32_t n) {
      if (n == thrower) throw DataError{"here"};
    };
    EXPECT_THROW(run_on_threads(10, 3, task), DataError) << thrower;
  }
}

TEST(ForRanges, CoverEverythingOnce) {
  for (const std::uint64_t total : {0U, 1U, 5U, 64U, 1001U}) {
    for (const std::uint32_t threads : {1U, 2U, 3U, 8U}) {
      std::vector<int> touched(total, 0);
      for_ranges(total, threads, [&](std::uint64_t begin, std::uint64_t end) {
        EXPECT_LE(end - begin, total / threads + 1);
        for (std::uint64_t n = begin; n < end; ++n) ++touched[n];
      });
      EXPECT_EQ(touched, std::vector<int>(total, 1)) << total << " on " << threads;
    }
  }
}

TEST(PartBegin, DoesNotOverflow) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(part_begin(kMost, 3, 3), kMost);
  EXPECT_EQ(part_begin(kMost, 1, 3), kMost / 3);
}

}  // namespace
}  // namespace factorps
