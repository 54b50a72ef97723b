/// Which rows train, which validate, which test.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/random.hpp"
#include "io/config.hpp"
#include "io/id_table.hpp"
#include "io/prepare/grouped.hpp"

namespace factorps {

/// Random numbers of pairs. A pair's number depends on the seed and its two external ids alone, so
/// a pair stays in its part when other users, items or rows come and go, and all rows of a pair go
/// together.
class PairRandom {
 public:
  PairRandom(const IdTable& user_ids, const IdTable& item_ids);
  [[nodiscard]] std::uint64_t user_key(std::uint32_t user) const noexcept {
    return user_keys_[user];
  }
  [[nodiscard]] std::uint64_t key(std::uint32_t user, std::uint32_t item) const noexcept {
    return user_keys_[user] * 0x9E3779B97F4A7C15U + item_keys_[item];
  }

 private:
  std::vector<std::uint64_t> user_keys_;  // [dense user]
  std::vector<std::uint64_t> item_keys_;  // [dense item]
};

/// One cut of the training rows in two.
struct SplitRule {
  enum class Method { none, random, per_user, leave_last, time, fold, users };
  Method method = Method::none;
  double fraction = 0;        ///< random, per_user, users
  std::int64_t last = 1;      ///< leave_last
  std::int64_t time_cut = 0;  ///< time: rows from here on
  std::int64_t folds = 0;     ///< fold
  std::int64_t fold = 1;      ///< fold, from 1
  double fold_in = 0;         ///< users: share of the history
};

/// The rules of a config for test and validation. split.method = "given" has no rule: none.
/// @throws ConfigError if a time cut cannot be read
[[nodiscard]] SplitRule test_rule(const SplitConfig& config);
[[nodiscard]] SplitRule validation_rule(const SplitConfig& config);

/// Marks as `target` the rows of Part::train that the rule selects.
///
/// random: every pair with probability `fraction`. per_user: of each user's n rows
/// round(fraction * n), but never all. leave_last: each user's `last` latest rows (of equal times
/// the later in the files), but never all. time: rows with time >= time_cut. fold: every pair is in
/// one of `folds` folds with equal probability; those in `fold` are selected. users: every user
/// with probability `fraction`, but none with a single item; of its n items round(fold_in * n), at
/// least one and never all, become Part::fold_in, which ones by pair; the others are selected.
/// @param threads that mark; they do not change the result
void apply_split(GroupedRows& data, const SplitRule& rule, Part target, const RandomStream& random,
                 const PairRandom& pairs, std::uint32_t threads = 1);

/// Whether a rule looks at times.
[[nodiscard]] bool needs_time(const SplitRule& rule) noexcept;

}  // namespace factorps
