/// Memory of messages that are done with, for those that come next: it is neither allocated nor
/// cleared again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace factorps::comm {

class SpareBodies {
 public:
  void give(std::vector<std::byte> body) {
    if (spare_.size() < kMost && !body.empty()) spare_.push_back(std::move(body));
  }

  /// What it holds is left over from another message.
  [[nodiscard]] std::vector<std::byte> take(std::size_t bytes) {
    if (spare_.empty()) return std::vector<std::byte>(bytes);
    // The smallest that is large enough, else the largest: growing clears the bytes that come new.
    const auto better = [bytes](const auto& a, const auto& b) {
      if ((a.size() >= bytes) != (b.size() >= bytes)) return a.size() >= bytes;
      return a.size() >= bytes ? a.size() < b.size() : a.size() > b.size();
    };
    const auto best = std::ranges::min_element(spare_, better);
    std::vector<std::byte> body = std::exchange(*best, std::move(spare_.back()));
    spare_.pop_back();
    body.resize(bytes);
    return body;
  }

 private:
  static constexpr std::size_t kMost = 32;
  std::vector<std::vector<std::byte>> spare_;
};

}  // namespace factorps::comm
