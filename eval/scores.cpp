#include "eval/scores.hpp"

#include <algorithm>
#include <vector>

#include "common/check.hpp"
#include "model/kernels/score_kernel.hpp"

namespace factorps::eval {
namespace {

constexpr std::size_t kItemBlock = 1024;  // 64 x 1024 scores are 256 KiB: second-level cache
// Rows of scores begin in different sets of the first-level cache.
constexpr std::size_t kScoreStride = kItemBlock + kRowMultiple;
static_assert(kQueryBlock % kProductStrip == 0 && kItemBlock % kProductStrip == 0);

/// Scores of up to kQueryBlock users, kItemBlock items at a time; users and items stand side by
/// side in strips for the product kernel.
class Products {
 public:
  Products(std::span<const Query> queries, std::size_t dim)
      : dim_{dim},
        strips_{(queries.size() + kProductStrip - 1) / kProductStrip},
        users_{strips_ * kProductStrip * dim},
        base_{strips_ * kProductStrip},
        strip_{kProductStrip * dim},
        bias_{kProductStrip},
        scores_{strips_ * kProductStrip * kScoreStride} {
    std::vector<float> rows(users_.size());
    for (std::size_t q = 0; q < queries.size(); ++q) {
      FACTORPS_CHECK(queries[q].factors.empty() || queries[q].factors.size() == dim);
      std::ranges::copy(queries[q].factors, rows.begin() + static_cast<std::ptrdiff_t>(q * dim));
      base_.data()[q] = queries[q].base;
    }
    for (std::size_t s = 0; s < strips_; ++s) {
      const std::size_t at = s * kProductStrip * dim;
      kernels_.pack(rows.data() + at, dim, kProductStrip, dim, users_.data() + at);
    }
  }

  /// Of items [first, first + count). @param count at most kItemBlock
  void multiply(const ItemTable& items, const PackedItems* packed, std::size_t first,
                std::size_t count) {
    for (std::size_t n = 0; n < count; n += kProductStrip) {
      const std::size_t size = std::min(kProductStrip, count - n);
      const float* strip = strip_.data();
      if (packed != nullptr) {
        strip = packed->strip(first + n);
      } else {
        kernels_.pack(items.factors.data() + (first + n) * dim_, dim_, size, dim_, strip_.data());
      }
      std::ranges::copy(items.bias.subspan(first + n, size), bias_.data());
      for (std::size_t s = 0; s < strips_; ++s) {
        const std::size_t user = s * kProductStrip;
        kernels_.score(users_.data() + user * dim_, strip, dim_, base_.data() + user, bias_.data(),
                       scores_.data() + user * kScoreStride + n, kScoreStride,
                       packed == nullptr ? Ahead{} : ahead(strip, s));
      }
    }
  }
  [[nodiscard]] std::span<float> scores(std::size_t query, std::size_t count) {
    return scores_.span().subspan(query * kScoreStride, count);
  }

 private:
  /// Each strip of users fetches a part of the next items.
  [[nodiscard]] Ahead ahead(const float* items, std::size_t users) const {
    const std::size_t by_k = kProductStrip / strips_;
    return {items + (kProductStrip + users * by_k) * dim_, by_k};
  }

  ScoreKernels kernels_ = score_kernels(best_kernels().set);
  std::size_t dim_;
  std::size_t strips_;  // of users
  AlignedBuffer<float> users_;
  AlignedBuffer<float> base_;
  AlignedBuffer<float> strip_;  // of items
  AlignedBuffer<float> bias_;
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

void fetch(std::span<const std::uint32_t> items, const ItemTable& table) {
  for (const std::uint32_t item : items) {
    const float* factors = table.factors.data() + item * table.dim;
    for (std::size_t d = 0; d < table.dim; d += kRowMultiple) __builtin_prefetch(factors + d);
  }
}

void score_items(const ItemTable& table, const Query& query, std::span<const std::uint32_t> items,
                 std::span<float> scores) {
  fetch(items, table);
  const std::vector<float> zeros(query.factors.empty() ? table.dim : 0);
  std::vector<const float*> rows;
  rows.reserve(items.size());
  for (std::size_t n = 0; n < items.size(); ++n) {
    rows.push_back(table.factors.data() + items[n] * table.dim);
    scores[n] = query.base + table.bias[items[n]];
  }
  score_kernels(best_kernels().set)
      .score_rows(zeros.empty() ? query.factors.data() : zeros.data(), rows.data(), rows.size(),
                  table.dim, scores.data());
  if (table.scale.empty()) return;
  for (std::size_t n = 0; n < items.size(); ++n) {
    scores[n] = scores[n] * table.scale[items[n]] + table.offset[items[n]];
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
