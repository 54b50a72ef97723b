#include "eval/scores.hpp"

#include <algorithm>
#include <vector>

#include "common/check.hpp"
#include "model/kernels/score_kernel.hpp"

namespace factorps::eval {
namespace {

constexpr std::size_t kItemBlock = 512;  // 64 x 512 scores are 128 KiB: second-level cache
static_assert(kQueryBlock % kProductStrip == 0 && kItemBlock % kProductStrip == 0);

/// Scores of up to kQueryBlock users, kItemBlock items at a time; users and items stand side by
/// side in strips for the product kernel.
class Products {
 public:
  Products(std::span<const Query> queries, std::size_t dim)
      : queries_{queries},
        dim_{dim},
        users_{kQueryBlock * dim},
        strip_{kProductStrip * dim},
        scores_{kQueryBlock * kItemBlock} {
    std::vector<float> rows(kQueryBlock * dim);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      FACTORPS_CHECK(queries[q].factors.empty() || queries[q].factors.size() == dim);
      std::ranges::copy(queries[q].factors, rows.begin() + static_cast<std::ptrdiff_t>(q * dim));
    }
    for (std::size_t q = 0; q < kQueryBlock; q += kProductStrip) {
      kernels_.pack(rows.data() + q * dim, dim, kProductStrip, dim, users_.data() + q * dim);
    }
    strips_ = (queries.size() + kProductStrip - 1) / kProductStrip;
  }

  /// Of items [first, first + count), on top of their biases. @param count at most kItemBlock
  void multiply(const ItemTable& items, const PackedItems* packed, std::size_t first,
                std::size_t count) {
    for (std::size_t q = 0; q < queries_.size(); ++q) {
      const float base = queries_[q].base;
      std::ranges::transform(items.bias.subspan(first, count), scores(q, count).begin(),
                             [base](float bias) { return base + bias; });
    }
    for (std::size_t n = 0; n < count; n += kProductStrip) {
      const float* strip = strip_.data();
      if (packed != nullptr) {
        strip = packed->strip(first + n);
      } else {
        kernels_.pack(items.factors.data() + (first + n) * dim_, dim_,
                      std::min(kProductStrip, count - n), dim_, strip_.data());
      }
      for (std::size_t s = 0; s < strips_; ++s) {
        add_(users_.data() + s * kProductStrip * dim_, strip, dim_,
             scores_.data() + s * kProductStrip * kItemBlock + n, kItemBlock);
      }
    }
  }
  [[nodiscard]] std::span<float> scores(std::size_t query, std::size_t count) const {
    return scores_.span().subspan(query * kItemBlock, count);
  }

 private:
  ScoreKernels kernels_ = score_kernels(best_kernels().set);
  AddProducts add_ = add_products_of(best_kernels().set);
  std::span<const Query> queries_;
  std::size_t dim_;
  std::size_t strips_ = 0;  // of users
  AlignedBuffer<float> users_;
  AlignedBuffer<float> strip_;  // of items
  AlignedBuffer<float> scores_;
};

/// Back to original units.
void finish(const ItemTable& items, std::size_t first, std::span<float> scores) {
  if (items.scale.empty()) return;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    scores[n] = scores[n] * items.scale[first + n] + items.offset[first + n];
  }
}

}  // namespace

PackedItems::PackedItems(const ItemTable& items)
    : dim_{items.dim}, strips_{round_up(items.bias.size(), kProductStrip) * items.dim} {
  const auto pack = score_kernels(best_kernels().set).pack;
  for (std::size_t first = 0; first < items.bias.size(); first += kProductStrip) {
    pack(items.factors.data() + first * dim_, dim_,
         std::min(kProductStrip, items.bias.size() - first), dim_, strips_.data() + first * dim_);
  }
}

void for_each_score(const ItemTable& items, std::span<const Query> queries,
                    const VisitScores& visit, const PackedItems* packed) {
  FACTORPS_CHECK(queries.size() <= kQueryBlock);
  Products products{queries, items.dim};
  for (std::size_t first = 0; first < items.bias.size(); first += kItemBlock) {
    const std::size_t count = std::min(kItemBlock, items.bias.size() - first);
    products.multiply(items, packed, first, count);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      const std::span<float> scores = products.scores(q, count);
      finish(items, first, scores);
      visit(q, first, scores);
    }
  }
}

}  // namespace factorps::eval
