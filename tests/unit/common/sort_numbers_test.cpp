#include "common/sort_numbers.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps {
namespace {

TEST(SortNumbers, PutsListsOfAnySizeInOrderAndLosesNone) {
  const RandomStream random{3, Purpose::generate};
  for (const std::size_t size : {0U, 1U, 2U, 47U, 48U, 49U, 300U, 5000U}) {
    for (const std::uint64_t below : {std::uint64_t{7}, ~std::uint64_t{0}}) {
      std::vector<std::uint64_t> numbers(size);
      std::map<std::uint64_t, int> counts;
      for (std::size_t n = 0; n < size; ++n) {
        numbers[n] = random.below(below, n, static_cast<std::uint32_t>(size));
        ++counts[numbers[n]];
      }
      sort_numbers(numbers);
      std::vector<std::uint64_t> expected;
      for (const auto& [number, count] : counts) {
        expected.insert(expected.end(), static_cast<std::size_t>(count), number);
      }
      EXPECT_EQ(numbers, expected) << size << " below " << below;
    }
  }
}

}  // namespace
}  // namespace factorps
