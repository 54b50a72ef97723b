#include "eval/item_neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace factorps::eval {
namespace {

struct Neighbour {
  std::uint32_t item;
  double similarity;
};

bool better(const Neighbour& a, const Neighbour& b) noexcept {
  return a.similarity > b.similarity || (a.similarity == b.similarity && a.item < b.item);
}

/// Finds the neighbours of one item after another.
class Search {
 public:
  Search(const PairMatrix& pairs, const NeighbourSettings& settings)
      : pairs_{pairs}, settings_{settings}, common_(pairs.items()) {}

  /// The best first. Good until the next call.
  const std::vector<Neighbour>& of(std::uint32_t item) {
    count_common_users(item);
    found_.clear();
    for (const std::uint32_t other : touched_) {
      found_.push_back({other, similarity(item, other, std::exchange(common_[other], 0))});
    }
    const auto kept = std::min(settings_.neighbours, found_.size());
    const auto end = found_.begin() + static_cast<std::ptrdiff_t>(kept);
    std::partial_sort(found_.begin(), end, found_.end(), better);
    found_.erase(end, found_.end());
    return found_;
  }

 private:
  void count_common_users(std::uint32_t item) {
    touched_.clear();
    for (const std::uint32_t user : pairs_.users_of(item)) {
      for (const std::uint32_t other : pairs_.items_of(user)) {
        if (other != item && common_[other]++ == 0) touched_.push_back(other);
      }
    }
  }

  [[nodiscard]] double similarity(std::uint32_t a, std::uint32_t b, std::uint32_t common) const {
    const auto users = [&](std::uint32_t item) {
      return static_cast<double>(pairs_.users_of(item).size());
    };
    return common / (std::sqrt(users(a) * users(b)) + settings_.shrinkage);
  }

  const PairMatrix& pairs_;
  NeighbourSettings settings_;
  std::vector<std::uint32_t> common_;   // [item] users; all 0 between calls
  std::vector<std::uint32_t> touched_;  // items with a common user
  std::vector<Neighbour> found_;
};

}  // namespace

ItemNeighbours::ItemNeighbours(const PairMatrix& pairs, const NeighbourSettings& settings)
    : begin_(pairs.items() + 1) {
  std::vector<std::uint32_t> from;  // [n] the neighbour that weight n is for
  std::vector<Weight> weights;      // by scored item
  Search search{pairs, settings};
  for (std::uint32_t item = 0; item < pairs.items(); ++item) {
    for (const Neighbour& neighbour : search.of(item)) {
      ++begin_[neighbour.item + 1];
      from.push_back(neighbour.item);
      weights.push_back({item, static_cast<float>(neighbour.similarity)});
    }
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  weights_.resize(weights.size());
  std::vector<std::size_t> next(begin_.begin(), begin_.end() - 1);
  for (std::size_t n = 0; n < weights.size(); ++n) weights_[next[from[n]]++] = weights[n];
}

void ItemNeighbours::score(std::span<const Query> queries, const VisitScores& visit) const {
  std::vector<float> scores(items());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    std::ranges::fill(scores, 0.0F);
    for (const std::uint32_t item : queries[q].history) {
      for (std::size_t n = begin_[item]; n < begin_[item + 1]; ++n) {
        scores[weights_[n].item] += weights_[n].similarity;
      }
    }
    visit(q, 0, scores);
  }
}

}  // namespace factorps::eval
