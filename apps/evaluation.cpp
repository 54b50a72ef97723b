#include "apps/evaluation.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "comm/environment.hpp"

namespace factorps::apps {
namespace {

/// @return the users of the strip that have interactions
std::vector<UserErrors> strip_users(const std::vector<eval::ErrorSums>& sums, std::uint64_t first) {
  std::vector<UserErrors> users;
  for (std::size_t n = 0; n < sums.size(); ++n) {
    if (sums[n].count > 0) users.push_back({first + n, sums[n]});
  }
  return users;
}

/// One strip's share of an Evaluation.
Evaluation evaluate_strip(const Target& target, StripId strip, const Predictor& predict,
                          bool per_user) {
  const RowRange rows = target.dataset->grid().users_of(strip);
  Evaluation result;
  std::vector<eval::ErrorSums> sums(per_user ? rows.size() : 0);
  const auto visit = [&](std::uint64_t user, std::uint64_t item, float value, auto time) {
    const Prediction predicted = predict(user, item, time);
    result.total.add(predicted.value, value, target.low, target.high, predicted.cold);
    if (!per_user) return;
    sums[user - rows.begin].add(predicted.value, value, target.low, target.high, predicted.cold);
  };
  target.dataset->verify(strip);
  for_each_timed_interaction(*target.dataset, target.part, strip, visit);
  result.users = strip_users(sums, rows.begin);
  return result;
}

template <class T>
std::vector<std::vector<T>> gather(const std::vector<T>& mine,
                                   const comm::Environment& environment) {
  std::vector<std::vector<T>> all;
  for (const auto& bytes : environment.gather(std::as_bytes(std::span{mine}))) {
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    all.push_back(std::move(values));
  }
  return all;
}

}  // namespace

void for_each_interaction(const Dataset& dataset, Part part, StripId strip,
                          const std::function<void(std::uint64_t, std::uint64_t, float)>& visit) {
  for_each_timed_interaction(
      dataset, part, strip,
      [&](auto user, auto item, float value, const auto& /*time*/) { visit(user, item, value); });
}

void for_each_timed_interaction(const Dataset& dataset, Part part, StripId strip,
                                const std::function<void(std::uint64_t, std::uint64_t, float,
                                                         std::optional<std::int64_t>)>& visit) {
  const Grid& grid = dataset.grid();
  const std::uint64_t first_user = grid.users_of(strip).begin;
  for (std::uint32_t block = 0; block < grid.blocks(); ++block) {
    const CellView cell = dataset.cell(part, strip, BlockId{block});
    const auto times = dataset.times(part, strip, BlockId{block});
    const std::uint64_t first_item = grid.items_of(BlockId{block}).begin;
    factorps::for_each_interaction(cell, [&](std::uint32_t offset, std::size_t n) {
      const std::uint64_t user = first_user + offset;
      const std::uint64_t item = first_item + cell.items[n];
      visit(user, item, dataset.normalisation().invert(user, item, cell.value(n)),
            times.empty() ? std::nullopt : std::optional{times[n]});
    });
  }
}

Evaluation evaluate(const Target& target, const Predictor& predict, bool per_user,
                    const comm::Environment& environment) {
  const std::uint32_t strips = target.dataset->grid().strips();
  const auto ranks = static_cast<std::uint32_t>(environment.size());
  std::vector<eval::ErrorSums> totals;  // [own strip]
  std::vector<UserErrors> users;
  for (auto s = static_cast<std::uint32_t>(environment.rank()); s < strips; s += ranks) {
    const Evaluation part = evaluate_strip(target, StripId{s}, predict, per_user);
    totals.push_back(part.total);
    users.insert(users.end(), part.users.begin(), part.users.end());
  }
  const auto all_totals = gather(totals, environment);
  const auto all_users = gather(users, environment);
  Evaluation result;
  if (environment.rank() != 0) return result;
  for (std::uint32_t s = 0; s < strips; ++s) result.total += all_totals[s % ranks].at(s / ranks);
  for (const auto& some : all_users)
    result.users.insert(result.users.end(), some.begin(), some.end());
  std::ranges::sort(result.users, {}, &UserErrors::user);
  return result;
}

}  // namespace factorps::apps
