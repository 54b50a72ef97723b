#include "common/sort_numbers.hpp"

#include <algorithm>

#include <hwy/contrib/sort/vqsort.h>

namespace factorps {
namespace {

/// Below that the vectors' preparations take longer than std::sort (measured with AVX-512: 700 ns).
constexpr std::size_t kFew = 48;

}  // namespace

void sort_numbers(std::span<std::uint64_t> numbers) {
  if (std::ranges::is_sorted(numbers)) return;
  if (numbers.size() < kFew) {
    std::ranges::sort(numbers);
    return;
  }
  thread_local hwy::Sorter sorter;
  sorter(numbers.data(), numbers.size(), hwy::SortAscending());
}

}  // namespace factorps
