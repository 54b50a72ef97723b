#include "worker/rows/lane.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "common/keyed_permutation.hpp"
#include "common/parallel.hpp"
#include "common/random.hpp"
#include "common/sort_numbers.hpp"
#include "worker/als_lists.hpp"

namespace factorps::worker {
namespace {

constexpr std::uint32_t kTries = 100;
constexpr std::uint64_t kMark = 64;  // interactions from one mark to the next

std::uint64_t sum_of(std::span<const std::uint32_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

std::vector<ps::Share> lanes_of(std::uint32_t strips, std::uint32_t lanes) {
  std::vector<ps::Share> shares;
  const auto count = static_cast<int>(std::min(strips, lanes));
  for (int lane = 0; lane < count; ++lane) shares.push_back(ps::share_of(strips, lane, count));
  return shares;
}

std::vector<std::vector<std::uint32_t>> lanes_of_workers(const std::vector<ps::Share>& lanes,
                                                         const ps::RowLayout& layout,
                                                         const std::vector<int>& node_of_worker) {
  std::vector<std::vector<std::uint32_t>> of_worker(node_of_worker.size());
  for (int node = 0; node < layout.nodes(); ++node) {
    const ps::Share strips = layout.blocks_of(0, node);
    std::vector<std::uint32_t> here;
    for (std::uint32_t l = 0; l < lanes.size(); ++l) {
      if (lanes[l].begin >= strips.begin && lanes[l].begin < strips.end) here.push_back(l);
    }
    const auto workers = static_cast<int>(std::ranges::count(node_of_worker, node));
    int part = 0;
    for (std::size_t w = 0; w < node_of_worker.size(); ++w) {
      if (node_of_worker[w] != node) continue;
      const auto share = ps::share_of(static_cast<std::uint32_t>(here.size()), part++, workers);
      of_worker[w].assign(here.begin() + share.begin, here.begin() + share.end);
    }
  }
  return of_worker;
}

StepSizes::StepSizes(const Dataset& dataset, const std::vector<ps::Share>& lanes,
                     const BatchOptions& options)
    : steps_{steps_of_epoch(dataset.interactions(Part::train), options.batch)},
      examples_of_each_{options.examples_of_interaction()} {
  const auto& begin = dataset.grid().strip_begin;
  for (const ps::Share lane : lanes) {
    const std::uint64_t users = begin[lane.end] - begin[lane.begin];
    interactions_.push_back(sum_of(dataset.user_counts().subspan(begin[lane.begin], users)));
  }
}

std::uint64_t StepSizes::examples(std::uint64_t step) const {
  std::uint64_t interactions = 0;
  for (const std::uint64_t of_lane : interactions_) {
    interactions += part_begin(of_lane, step + 1, steps_) - part_begin(of_lane, step, steps_);
  }
  return interactions * examples_of_each_;
}

Lane::Lane(const Dataset& dataset, ps::Share strips, const BatchOptions& options)
    : dataset_{dataset},
      strips_{strips},
      options_{options},
      steps_{steps_of_epoch(dataset.interactions(Part::train), options.batch)},
      first_user_{dataset.grid().strip_begin[strips.begin]},
      first_number_{sum_of(dataset.user_counts().first(first_user_))} {
  begin_.push_back(0);
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    const RowRange users = dataset.grid().users_of(StripId{s});
    const std::uint64_t before = items_.size();
    const std::uint64_t count = sum_of(dataset.user_counts().subspan(users.begin, users.size()));
    items_.resize(before + count);
    if (!options.binary) values_.resize(before + count);
    std::vector<std::uint64_t> begin(users.size() + 1);
    list_interactions(dataset, StripId{s}, [](float value) { return value; },
                      {begin, std::span{items_}.subspan(before),
                       options.binary ? nullptr : values_.data() + before});
    for (std::size_t u = 1; u < begin.size(); ++u) begin_.push_back(before + begin[u]);
  }
  std::uint32_t user = 0;
  for (std::uint64_t n = 0; n < items_.size(); n += kMark) {
    while (begin_[user + 1] <= n) ++user;
    marks_.push_back(user);
  }
  if (dataset.has_times() && (options.times || options.history > 0)) list_times();
  if (options.history > 0) histories_.emplace(dataset, strips, options.history, options.seed);
}

/// In the order of items_.
void Lane::list_times() {
  times_.resize(items_.size());
  std::vector<std::uint64_t> next{begin_};
  const Grid& grid = dataset_.grid();
  for (std::uint32_t s = strips_.begin; s < strips_.end; ++s) {
    const std::uint64_t first = grid.users_of(StripId{s}).begin - first_user_;
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      const auto times = dataset_.times(Part::train, StripId{s}, BlockId{b});
      for_each_interaction(
          dataset_.cell(Part::train, StripId{s}, BlockId{b}),
          [&](std::uint32_t user, std::size_t n) { times_[next[first + user]++] = times[n]; });
    }
  }
}

/// A search among all users would miss the caches at every step.
std::uint64_t Lane::user_of(std::uint64_t interaction) const {
  std::uint64_t user = marks_[interaction / kMark];
  while (begin_[user + 1] <= interaction) ++user;
  return user;
}

/// A search whose steps are no branches: which half comes next is anybody's guess.
bool Lane::knows(std::uint64_t user, std::uint32_t item) const {
  const std::uint32_t* first = items_.data() + begin_[user];
  std::uint64_t size = begin_[user + 1] - begin_[user];
  while (size > 1) {
    const std::uint64_t half = size / 2;
    first += first[half] <= item ? half : 0;
    size -= half;
  }
  return size == 1 && *first == item;
}

void Lane::add(std::uint64_t user, std::uint64_t item, float target,
               ps::RowExamples& examples) const {
  examples.users.push_back(first_user_ + user);
  examples.items.push_back(item);
  examples.targets.push_back(target);
}

void Lane::add_history(std::uint64_t user, std::uint64_t interaction,
                       ps::RowExamples& examples) const {
  if (!histories_) return;
  const auto time = times_.empty() ? std::nullopt : std::optional{times_[interaction]};
  histories_->add_before(first_user_ + user, items_[interaction], time, examples.histories);
}

/// To the examples of an interaction, all in the same moment.
void Lane::add_moments(std::uint64_t interaction, ps::RowExamples& examples) const {
  if (options_.times) examples.times.resize(examples.users.size(), times_[interaction]);
  if (!histories_) return;
  const auto latest = static_cast<std::uint32_t>(examples.histories.size() - 1);
  examples.history_of.resize(examples.users.size(), latest);
}

void Lane::add_negatives(std::uint64_t epoch, std::uint64_t user, std::uint64_t interaction,
                         ps::RowExamples& examples) const {
  const RandomStream random{options_.seed, Purpose::draw_negatives};
  const std::uint64_t number =
      epoch * dataset_.interactions(Part::train) + first_number_ + interaction;
  const std::uint64_t items = dataset_.grid().items();
  for (std::uint32_t n = 0; n < options_.negatives; ++n) {
    std::uint64_t item = 0;
    for (std::uint32_t t = 0; t < kTries; ++t) {
      item = random.below(items, number, n * kTries + t);
      const bool trained = dataset_.item_counts()[item] > 0;
      if (trained && !knows(user, static_cast<std::uint32_t>(item))) break;
    }
    if (options_.pairs) add(user, items_[interaction], 1, examples);
    add(user, item, 0, examples);
  }
}

std::uint64_t Lane::begin_of_step(std::uint64_t step) const {
  return part_begin(items_.size(), step, steps_);
}

void Lane::draw(std::uint64_t epoch, std::uint64_t step,
                std::vector<std::uint64_t>& interactions) const {
  const std::uint64_t key =
      RandomStream{options_.seed, Purpose::shuffle_examples}.bits(epoch, strips_.begin);
  const KeyedPermutation permute{items_.size(), key};
  const std::uint64_t end = begin_of_step(step + 1);
  interactions.clear();
  for (std::uint64_t n = begin_of_step(step); n < end; ++n) {
    interactions.push_back(permute(n));
    __builtin_prefetch(items_.data() + interactions.back());
    if (!options_.binary) __builtin_prefetch(values_.data() + interactions.back());
  }
  sort_numbers(interactions);
}

void Lane::examples(std::uint64_t epoch, std::uint64_t step,
                    std::span<const std::uint64_t> interactions, ps::RowExamples& examples) const {
  examples.clear();
  const std::uint64_t total = dataset_.interactions(Part::train);
  examples.first =
      (epoch * total + first_number_ + begin_of_step(step)) * options_.examples_of_interaction();
  for (const std::uint64_t interaction : interactions) {
    const std::uint64_t user = user_of(interaction);
    if (!options_.pairs)
      add(user, items_[interaction], options_.binary ? 1.0F : values_[interaction], examples);
    add_negatives(epoch, user, interaction, examples);
    add_history(user, interaction, examples);
    add_moments(interaction, examples);
  }
}

}  // namespace factorps::worker
