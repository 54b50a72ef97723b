#include "eval/scores.hpp"

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

void finish(const ItemTable& items, const Query& query, std::size_t first,
            std::span<float> scores) {
  for (std::size_t n = 0; n < scores.size(); ++n) {
    scores[n] = query.base + items.bias[first + n] + scores[n];
  }
  if (items.scale.empty()) return;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    scores[n] = scores[n] * items.scale[first + n] + items.offset[first + n];
  }
}

}  // namespace

void for_each_score(const ItemTable& items, std::span<const Query> queries,
                    const VisitScores& visit) {
  FACTORPS_CHECK(queries.size() <= kQueryBlock);
  const Eigen::MatrixXf users = gather(queries, items.dim);
  Eigen::MatrixXf scores;
  for (std::size_t first = 0; first < items.bias.size(); first += kItemBlock) {
    const std::size_t count = std::min(kItemBlock, items.bias.size() - first);
    multiply(items, first, count, users, scores);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const std::span<float> column{scores.col(static_cast<Index>(q)).data(), count};
      finish(items, queries[q], first, column);
      visit(q, first, column);
    }
  }
}

}  // namespace factorps::eval
