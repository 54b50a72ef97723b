#include "eval/topk.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "common/aligned_buffer.hpp"
#include "model/kernels/sift_kernel.hpp"

namespace factorps::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr std::uint32_t kSign = std::uint32_t{1} << 31;

/// A score that at least k of the scores reach: k maxima of groups do. @return lowest, if unknown
float reached_by(std::size_t k, std::span<const float> scores) {
  constexpr std::size_t kMost = kSiftBlock / 4;  // groups; longer lists fill up with what comes
  std::array<float, kMost> maxima;
  const std::size_t groups = round_up(2 * k, kRowMultiple);
  if (4 * groups > scores.size() || groups > kMost) return kLowest;
  std::fill_n(maxima.begin(), groups, kLowest);
  for (std::size_t n = 0; n + groups <= scores.size(); n += groups) {
    const float* some = scores.data() + n;
    for (std::size_t g = 0; g < groups; ++g) maxima[g] = some[g] > maxima[g] ? some[g] : maxima[g];
  }
  const auto kth = maxima.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(maxima.begin(), kth, maxima.begin() + static_cast<std::ptrdiff_t>(groups),
                   std::greater{});
  return *kth;
}

}  // namespace

void BestItems::offer(std::size_t first, std::span<const float> scores) {
  std::array<std::uint32_t, kSiftBlock + kRowMultiple> positions;
  while (!scores.empty() && k_ > 0) {
    const auto some = scores.first(std::min(kSiftBlock, scores.size()));
    std::size_t taken = 0;
    float limit = kLowest;
    if (!full()) limit = std::nextafter(reached_by(k_, some), kLowest);
    if (limit == kLowest) {
      for (; taken < some.size() && !full(); ++taken) {
        if (some[taken] == some[taken])
          add(key_of({static_cast<std::uint32_t>(first + taken), some[taken]}));
      }
      if (full()) limit = this->limit();
    }
    const auto rest = some.subspan(taken);
    const Sifted sifted =
        sift_kernels().sift(rest.data(), rest.size(), 0, nullptr, limit, positions.data());
    offer_some(first + taken, rest, std::span{positions}.first(sifted.found));
    first += some.size();
    scores = scores.subspan(some.size());
  }
}

void BestItems::offer_some(std::size_t first, std::span<const float> scores,
                           std::span<const std::uint32_t> positions) {
  for (const std::uint32_t at : positions) {
    const Key key = key_of({static_cast<std::uint32_t>(first + at), scores[at]});
    if (!full()) {
      add(key);
    } else if (key > best_.front()) {
      replace_worst(key);
    }
  }
}

float BestItems::limit() const { return k_ == 0 ? -kLowest : scored_of(best_.front()).score; }

/// Bits of floats ascend with what they stand for, those of negative ones the other way round. Zero
/// is added so that there is one zero only.
BestItems::Key BestItems::key_of(ScoredItem scored) {
  const auto bits = std::bit_cast<std::uint32_t>(scored.score + 0.0F);
  const std::uint32_t order = bits >= kSign ? ~bits : bits + kSign;
  return Key{order} << 32 | ~scored.item;
}

ScoredItem BestItems::scored_of(Key key) {
  const auto order = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t bits = order >= kSign ? order - kSign : ~order;
  return {~static_cast<std::uint32_t>(key), std::bit_cast<float>(bits)};
}

void BestItems::add(Key key) {
  if (best_.empty()) best_.reserve(std::min(k_, kSiftBlock));
  best_.push_back(key);
  if (full()) std::ranges::make_heap(best_, std::greater{});
}

/// Half of the work of pop_heap() and push_heap(), and nothing to foretell but where it ends.
void BestItems::replace_worst(Key key) {
  std::size_t hole = 0;
  for (std::size_t child = 1; child < best_.size(); child = 2 * hole + 1) {
    if (child + 1 < best_.size()) child += best_[child] > best_[child + 1] ? 1U : 0U;
    if (key < best_[child]) break;
    best_[hole] = best_[child];
    hole = child;
  }
  best_[hole] = key;
}

std::vector<ScoredItem> BestItems::take() && {
  std::ranges::sort(best_, std::greater{});
  std::vector<ScoredItem> list(best_.size());
  std::ranges::transform(best_, list.begin(), scored_of);
  return list;
}

namespace {

/// @param score calls a VisitScores for every score of the queries
template <class Score>
std::vector<std::vector<ScoredItem>> best_of_all(std::span<const Query> queries, std::size_t k,
                                                 Score&& score) {
  std::vector<BestItems> best(queries.size(), BestItems{k});
  std::vector<Excluder> excluders;
  for (const Query& query : queries) excluders.emplace_back(query.excluded);
  if (k > 0) {
    score([&](std::size_t q, std::size_t first, std::span<float> scores) {
      excluders[q].apply(first, scores);
      best[q].offer(first, scores);
    });
  }
  std::vector<std::vector<ScoredItem>> lists;
  for (BestItems& list : best) lists.push_back(std::move(list).take());
  return lists;
}

}  // namespace

std::vector<std::vector<ScoredItem>> top_k(const ItemTable& items, std::span<const Query> queries,
                                           std::size_t k) {
  return best_of_all(queries, k,
                     [&](const VisitScores& visit) { for_each_score(items, queries, visit); });
}

std::vector<std::vector<ScoredItem>> top_k(const Scorer& scorer, std::span<const Query> queries,
                                           std::size_t k) {
  return best_of_all(queries, k, [&](const VisitScores& visit) { scorer.score(queries, visit); });
}

std::vector<ScoredItem> best_of(std::span<const float> scores, std::size_t k) {
  BestItems best{k};
  best.offer(0, scores);
  return std::move(best).take();
}

}  // namespace factorps::eval
