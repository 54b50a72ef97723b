/// Scores of all items for some users at a time.
///
/// A user's scores are the same bits whichever users share the call: each is a sum of products in
/// ascending order of the columns. CPUs that multiply and add in one step (AVX2, AVX-512) round
/// alike; older ones may differ in the last bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "common/aligned_buffer.hpp"

namespace factorps::eval {

inline constexpr std::size_t kQueryBlock = 64;  ///< users per call

struct ItemTable {
  std::size_t dim = 0;
  std::span<const float> factors;  ///< items x dim, row-major
  std::span<const float> bias;     ///< items
  // Back to original units, per item: score * scale + offset. Empty: 1 and 0.
  std::span<const float> scale;
  std::span<const float> offset;
};

/// Begins to read the factors of some items that are about to be needed.
void fetch(std::span<const std::uint32_t> items, const ItemTable& table);

/// One user. Spans must live as long as the call.
struct Query {
  std::span<const float> factors;               ///< dim; empty: zeros
  float base = 0;                               ///< added to every score: mu and the user's bias
  std::span<const std::uint32_t> excluded;      ///< item rows in ascending order
  std::span<const std::uint32_t> history = {};  ///< training items, ascending; for item models
};

/// The score of an item that is no candidate: equals and exceeds nothing.
inline constexpr float kNoCandidate = std::numeric_limits<float>::quiet_NaN();

/// Of query n: the scores of neighbouring items from the given one on; good until it returns, who
/// may change them.
using VisitScores = std::function<void(std::size_t n, std::size_t first, std::span<float>)>;

/// Takes items out of the scores of a query as they are visited.
class Excluder {
 public:
  /// @param items ascending; must outlive the object
  explicit Excluder(std::span<const std::uint32_t> items) : items_{items} {}
  /// Sets those among them to kNoCandidate. @param first above all that were asked for before
  void apply(std::size_t first, std::span<float> scores) {
    for (; next_ < items_.size() && items_[next_] < first + scores.size(); ++next_) {
      scores[items_[next_] - first] = kNoCandidate;
    }
  }

 private:
  std::span<const std::uint32_t> items_;
  std::size_t next_ = 0;
};

/// What scores every item for some users: factors, or weights between items. Thread-safe.
class Scorer {
 public:
  virtual ~Scorer() = default;
  [[nodiscard]] virtual std::size_t items() const = 0;
  /// For each query items ascend; a user's scores are the same bits whoever shares the call.
  /// @param queries at most kQueryBlock
  virtual void score(std::span<const Query> queries, const VisitScores& visit) const = 0;
  /// Some scores of one query, the same bits.
  /// @param scores [items]
  /// @return false: they cost as much as all, and were not computed
  [[nodiscard]] virtual bool score_some(const Query& /*query*/,
                                        std::span<const std::uint32_t> /*items*/,
                                        std::span<float> /*scores*/) const {
    return false;
  }
};

/// The factors of an ItemTable once more, as the product kernel wants them.
class PackedItems {
 public:
  explicit PackedItems(const ItemTable& items);
  /// kProductStrip items from `first` on, a multiple of it: dim x kProductStrip.
  [[nodiscard]] const float* strip(std::size_t first) const {
    return strips_.data() + first * dim_;
  }

 private:
  std::size_t dim_;
  AlignedBuffer<float> strips_;
};

/// score(i) = (base + bias_i + <factors, factors_i>) * scale_i + offset_i
///
/// As Scorer::score.
/// @param packed of the same items, if there is one
void for_each_score(const ItemTable& items, std::span<const Query> queries,
                    const VisitScores& visit, const PackedItems* packed = nullptr);

/// Of some items and one query, the same bits.
void score_items(const ItemTable& table, const Query& query, std::span<const std::uint32_t> items,
                 std::span<float> scores);

/// Scores by the factors of an ItemTable, whose spans must outlive the object.
class FactorScorer final : public Scorer {
 public:
  explicit FactorScorer(const ItemTable& items) : items_{items}, packed_{items} {}
  [[nodiscard]] std::size_t items() const override { return items_.bias.size(); }
  void score(std::span<const Query> queries, const VisitScores& visit) const override {
    for_each_score(items_, queries, visit, &packed_);
  }
  [[nodiscard]] bool score_some(const Query& query, std::span<const std::uint32_t> items,
                                std::span<float> scores) const override {
    score_items(items_, query, items, scores);
    return true;
  }

 private:
  ItemTable items_;
  PackedItems packed_;
};

}  // namespace factorps::eval
