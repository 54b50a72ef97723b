#include "eval/topk.hpp"

#include <algorithm>

#include <Eigen/Core>

#include "common/check.hpp"

namespace factorps::eval {
namespace {

constexpr std::size_t kItemBlock = 1024;  // 64 x 1024 scores are 256 KiB: second-level cache
constexpr std::size_t kDepth = 128;
static_assert(kQueryBlock % 4 == 0);

using Index = Eigen::Index;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;

/// The users as columns: dim x kQueryBlock.
Eigen::MatrixXf gather(std::span<const Query> queries, std::size_t dim) {
  Eigen::MatrixXf users = Eigen::MatrixXf::Zero(static_cast<Index>(dim), kQueryBlock);
  for (std::size_t q = 0; q < queries.size(); ++q) {
    FACTORPS_CHECK(queries[q].factors.empty() || queries[q].factors.size() == dim);
    std::ranges::copy(queries[q].factors, users.col(static_cast<Index>(q)).data());
  }
  return users;
}

/// scores = items [first, first + count) times users; count x kQueryBlock, a user per column.
void multiply(const ItemTable& items, std::size_t first, std::size_t count,
              const Eigen::MatrixXf& users, Eigen::MatrixXf& scores) {
  scores.setZero(static_cast<Index>(count), kQueryBlock);
  for (std::size_t d = 0; d < items.dim; d += kDepth) {
    const auto depth = static_cast<Index>(std::min(kDepth, items.dim - d));
    const Eigen::Map<const RowMajor, 0, Stride> slice{items.factors.data() + first * items.dim + d,
                                                      static_cast<Index>(count), depth,
                                                      Stride{static_cast<Index>(items.dim)}};
    scores.noalias() += slice * users.middleRows(static_cast<Index>(d), depth);
  }
}

bool better(const ScoredItem& a, const ScoredItem& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

/// The k best of what was offered, in ascending order of items.
class Best {
 public:
  Best(const Query& query, std::size_t k) : query_{&query}, k_{k} {}

  void offer(const ItemTable& items, std::size_t first, std::span<const float> scores) {
    for (std::size_t n = 0; n < scores.size(); ++n) {
      const std::size_t item = first + n;
      float score = query_->base + items.bias[item] + scores[n];
      if (!items.scale.empty()) score = score * items.scale[item] + items.offset[item];
      // An item that only equals the worst one kept comes later in row order: it loses the tie.
      const bool enters = heap_.size() < k_ ? score == score : score > heap_.front().score;
      if (enters && !excluded(item)) insert({static_cast<std::uint32_t>(item), score});
    }
  }

  [[nodiscard]] std::vector<ScoredItem> take() && {
    std::ranges::sort_heap(heap_, better);
    return std::move(heap_);
  }

 private:
  bool excluded(std::size_t item) {
    const auto& rows = query_->excluded;
    while (next_ < rows.size() && rows[next_] < item) ++next_;
    return next_ < rows.size() && rows[next_] == item;
  }

  void insert(ScoredItem scored) {
    if (heap_.size() == k_) {
      std::ranges::pop_heap(heap_, better);
      heap_.pop_back();
    }
    heap_.push_back(scored);
    std::ranges::push_heap(heap_, better);
  }

  const Query* query_;
  std::size_t k_;
  std::size_t next_ = 0;          // position in excluded
  std::vector<ScoredItem> heap_;  // the worst one in front
};

}  // namespace

std::vector<std::vector<ScoredItem>> top_k(const ItemTable& items, std::span<const Query> queries,
                                           std::size_t k) {
  FACTORPS_CHECK(queries.size() <= kQueryBlock);
  std::vector<Best> best;
  for (const Query& query : queries) best.emplace_back(query, k);
  const Eigen::MatrixXf users = gather(queries, items.dim);
  Eigen::MatrixXf scores;
  const std::size_t total = k == 0 ? 0 : items.bias.size();
  for (std::size_t first = 0; first < total; first += kItemBlock) {
    const std::size_t count = std::min(kItemBlock, total - first);
    multiply(items, first, count, users, scores);
    for (std::size_t q = 0; q < best.size(); ++q) {
      best[q].offer(items, first, {scores.col(static_cast<Index>(q)).data(), count});
    }
  }
  std::vector<std::vector<ScoredItem>> lists;
  for (Best& list : best) lists.push_back(std::move(list).take());
  return lists;
}

}  // namespace factorps::eval
