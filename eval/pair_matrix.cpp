#include "eval/pair_matrix.hpp"

#include <algorithm>
#include <numeric>

namespace factorps::eval {

PairMatrix::PairMatrix(std::uint64_t users, std::uint64_t items,
                       std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs)
    : user_begin_(users + 1), item_begin_(items + 1) {
  std::ranges::sort(pairs);
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  items_.reserve(pairs.size());
  for (const auto& [user, item] : pairs) {
    ++user_begin_[user + 1];
    ++item_begin_[item + 1];
    items_.push_back(item);
  }
  std::partial_sum(user_begin_.begin(), user_begin_.end(), user_begin_.begin());
  std::partial_sum(item_begin_.begin(), item_begin_.end(), item_begin_.begin());
  users_.resize(pairs.size());
  std::vector<std::size_t> next(item_begin_.begin(), item_begin_.end() - 1);
  for (const auto& [user, item] : pairs) users_[next[item]++] = user;
}

}  // namespace factorps::eval
