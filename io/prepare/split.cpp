#include "io/prepare/split.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/hash.hpp"
#include "common/parallel.hpp"
#include "io/text/date_time.hpp"

namespace factorps {
namespace {

using Method = SplitRule::Method;

std::vector<std::uint64_t> keys_of(const IdTable& ids) {
  std::vector<std::uint64_t> keys(ids.size());
  for (std::size_t row = 0; row < keys.size(); ++row) {
    const std::string id = ids.text(row);
    keys[row] = checksum(std::as_bytes(std::span{id}));
  }
  return keys;
}

Method method_from(const std::string& setting) {
  constexpr std::array<std::pair<std::string_view, Method>, 8> kMethods{
      {{"none", Method::none},
       {"given", Method::none},
       {"random", Method::random},
       {"per_user", Method::per_user},
       {"leave_last", Method::leave_last},
       {"time", Method::time},
       {"folds", Method::fold},
       {"users", Method::users}}};
  for (const auto& [name, method] : kMethods) {
    if (setting == name) return method;
  }
  throw ConfigError{fmt::format("split method \"{}\" is unknown", setting)};
}

std::int64_t time_from(const std::string& text, const char* key) {
  const auto time = parse_time(text);
  if (time) return *time;
  throw ConfigError{
      fmt::format("{} = \"{}\", expected unix seconds or an ISO date-time", key, text)};
}

/// Rows of Part::train of one user.
void training_rows(const GroupedRows& data, std::uint64_t user, std::vector<std::uint64_t>& rows) {
  rows.clear();
  for (std::uint64_t n = data.begin[user]; n < data.begin[user + 1]; ++n) {
    if (data.parts[n] == Part::train) rows.push_back(n);
  }
}

/// Marks the `count(rows)` first of each user's training rows in the order of `rank(row)`, for
/// users `first` up to `last`.
template <class Count, class Rank>
void mark_first_of_users(GroupedRows& data, std::uint64_t first, std::uint64_t last, Part target,
                         const Count& count, const Rank& rank) {
  using Key = std::pair<decltype(rank(std::uint64_t{})), std::uint64_t>;
  std::vector<std::uint64_t> rows;
  std::vector<Key> keys;
  for (std::uint64_t user = first; user < last; ++user) {
    training_rows(data, user, rows);
    const std::size_t chosen =
        rows.empty() ? 0 : std::min<std::size_t>(count(rows.size()), rows.size() - 1);
    if (chosen == 0) continue;
    keys.clear();
    for (const std::uint64_t n : rows) keys.emplace_back(rank(n), n);
    std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(chosen), keys.end());
    for (std::size_t k = 0; k < chosen; ++k) data.parts[keys[k].second] = target;
  }
}

template <class Count, class Rank>
void mark_first_of_each_user(GroupedRows& data, std::uint32_t threads, Part target,
                             const Count& count, const Rank& rank) {
  for_ranges(data.users(), threads, [&](std::uint64_t first, std::uint64_t last) {
    mark_first_of_users(data, first, last, target, count, rank);
  });
}

/// Splits the training rows of one user into history and target; `bits(row)` is the same for rows
/// of one pair.
template <class Bits>
void hold_out(GroupedRows& data, std::uint64_t user, double fold_in, Part target, const Bits& bits,
              std::vector<std::uint64_t>& rows, std::vector<std::uint64_t>& keys) {
  training_rows(data, user, rows);
  keys.clear();
  for (const std::uint64_t n : rows) keys.push_back(bits(n));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  if (keys.size() < 2) return;
  const auto wanted =
      static_cast<std::size_t>(std::lround(fold_in * static_cast<double>(keys.size())));
  const std::uint64_t first_target = keys[std::clamp<std::size_t>(wanted, 1, keys.size() - 1)];
  for (const std::uint64_t n : rows)
    data.parts[n] = bits(n) < first_target ? Part::fold_in : target;
}

template <class Select>
void mark(GroupedRows& data, std::uint32_t threads, Part target, const Select& select) {
  for_ranges(data.size(), threads, [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n < last; ++n) {
      if (data.parts[n] == Part::train && select(n)) data.parts[n] = target;
    }
  });
}

}  // namespace

PairRandom::PairRandom(const IdTable& user_ids, const IdTable& item_ids)
    : user_keys_{keys_of(user_ids)}, item_keys_{keys_of(item_ids)} {}

SplitRule test_rule(const SplitConfig& config) {
  SplitRule rule{method_from(config.method),
                 config.test_fraction,
                 config.leave_last,
                 0,
                 config.folds,
                 config.fold,
                 config.fold_in_fraction};
  if (rule.method == Method::time) rule.time_cut = time_from(config.time_cut, "split.time_cut");
  return rule;
}

SplitRule validation_rule(const SplitConfig& config) {
  SplitRule rule{method_from(config.validation_method),
                 config.validation_fraction,
                 config.leave_last,
                 0,
                 0,
                 1,
                 config.fold_in_fraction};
  if (rule.method == Method::time) {
    rule.time_cut = time_from(config.validation_time_cut, "split.validation_time_cut");
  }
  return rule;
}

void apply_split(GroupedRows& data, const SplitRule& rule, Part target, const RandomStream& random,
                 const PairRandom& pairs, std::uint32_t threads) {
  const Rows& rows = data.rows;
  FACTORPS_CHECK(!needs_time(rule) || rows.times.size() == rows.size());
  const auto key = [&](std::uint64_t n) { return pairs.key(rows.users[n], rows.items[n]); };
  switch (rule.method) {
    case Method::none:
      return;
    case Method::random:
      if (rule.fraction <= 0) return;
      return mark(data, threads, target,
                  [&](std::uint64_t n) { return random.uniform(key(n)) < rule.fraction; });
    case Method::fold:
      return mark(data, threads, target, [&](std::uint64_t n) {
        return random.below(static_cast<std::uint64_t>(rule.folds), key(n)) ==
               static_cast<std::uint64_t>(rule.fold - 1);
      });
    case Method::time:
      return mark(data, threads, target,
                  [&](std::uint64_t n) { return rows.times[n] >= rule.time_cut; });
    case Method::per_user:
      return mark_first_of_each_user(
          data, threads, target,
          [&](std::size_t n) {
            return static_cast<std::size_t>(std::lround(rule.fraction * static_cast<double>(n)));
          },
          [&](std::uint64_t n) { return random.bits(key(n)); });
    case Method::users:
      return for_ranges(data.users(), threads, [&](std::uint64_t first, std::uint64_t last) {
        std::vector<std::uint64_t> user_rows;
        std::vector<std::uint64_t> keys;
        for (std::uint64_t user = first; user < last; ++user) {
          if (random.uniform(pairs.user_key(static_cast<std::uint32_t>(user))) >= rule.fraction)
            continue;
          hold_out(
              data, user, rule.fold_in, target,
              [&](std::uint64_t n) { return random.bits(key(n)); }, user_rows, keys);
        }
      });
    case Method::leave_last:
      return mark_first_of_each_user(
          data, threads, target, [&](std::size_t) { return static_cast<std::size_t>(rule.last); },
          [&](std::uint64_t n) {
            return std::pair{~rows.times[n], ~n};
          });  // latest first
  }
}

bool needs_time(const SplitRule& rule) noexcept {
  return rule.method == Method::leave_last || rule.method == Method::time;
}

}  // namespace factorps
