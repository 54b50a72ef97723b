/// Pure work on several threads: its result must not depend on their number or order.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <vector>

namespace factorps {

/// Calls task(0) ... task(tasks - 1), each once, on up to `threads` threads, this one among them.
/// If tasks throw, one of the errors is thrown here; tasks may be left out then.
template <class Task>
void run_on_threads(std::uint32_t tasks, std::uint32_t threads, const Task& task) {
  std::atomic<std::uint32_t> next{0};
  const auto work = [&] {
    for (std::uint32_t n = next++; n < tasks; n = next++) task(n);
  };
  std::vector<std::future<void>> helpers;
  for (std::uint32_t t = 1; t < std::min(threads, tasks); ++t) {
    helpers.push_back(std::async(std::launch::async, work));
  }
  work();
  for (auto& helper : helpers) helper.get();
}

/// Where part `n` of `parts` about equal parts of 0 .. total begins; part `parts` is the end.
/// @param parts below 2^32
[[nodiscard]] constexpr std::uint64_t part_begin(std::uint64_t total, std::uint64_t n,
                                                 std::uint64_t parts) noexcept {
  return total / parts * n + total % parts * n / parts;
}

/// Calls body(begin, end) for ranges that cover 0 .. total, on `threads` threads. There are more
/// ranges than threads, and who is free takes the next: some may cost more than others.
template <class Body>
void for_ranges(std::uint64_t total, std::uint32_t threads, const Body& body) {
  const std::uint32_t ranges = threads > 1 ? 8 * threads : 1;
  run_on_threads(ranges, threads, [&](std::uint32_t n) {
    body(part_begin(total, n, ranges), part_begin(total, n + 1, ranges));
  });
}

}  // namespace factorps
