#include "ps/rows/row_node.hpp"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "model/kernels/exact_kernel.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kRecordMultiple = 4;  // floats: rows begin where a vector may

/// Taken for as long as a row is copied or changed. The guard of a row is twice the number of steps
/// up to the last one that it was part of, plus one while it is taken.
class RowLock {
 public:
  explicit RowLock(std::atomic<std::uint64_t>& guard) noexcept : guard_{guard} {
    for (unsigned tries = 0;; ++tries) {
      const std::uint64_t found = guard_.fetch_or(1, std::memory_order_acquire);
      steps_ = found / 2;
      if (found % 2 == 0) break;
      if (tries > 64) std::this_thread::yield();
    }
  }
  RowLock(const RowLock&) = delete;
  RowLock& operator=(const RowLock&) = delete;
  ~RowLock() { guard_.store(2 * steps_, std::memory_order_release); }

  /// @return what the row was part of last: a step before (below 0), this one (0), a later one
  int begin_step(std::uint64_t number) noexcept {
    const std::uint64_t last = steps_;
    steps_ = std::max(steps_, number + 1);
    return (last > number + 1) - (last < number + 1);
  }

 private:
  std::atomic<std::uint64_t>& guard_;
  std::uint64_t steps_ = 0;
};

}  // namespace

RowNode::RowNode(const RowLayout& layout, const RowJob& job, int node)
    : layout_{layout}, job_{job}, node_{node}, here_{job.workers_of(node)} {
  OffsetCursor cursor;
  counters_ = cursor.take((2 * job.workers() + 1) * kAlignment);
  gate_ = cursor.take(RowGate::bytes_needed(here_.size()));
  units_ = cursor.take(UnitCounter::kBytes);
  const bool guarded = job.policy.consistency != Consistency::bsp;
  for (std::size_t t = 0; t < layout.tables().size(); ++t) {
    Place place{.rows = layout.rows_of(t, node)};
    place.stride = round_up(layout.tables()[t].record(), kRecordMultiple);
    place.records = cursor.take(place.rows.size() * place.stride * sizeof(float));
    place.guards = guarded ? cursor.take(place.rows.size() * sizeof(std::uint64_t)) : 0;
    place.pushes = cursor.take(place.rows.size() * sizeof(std::uint32_t));
    places_.push_back(place);
    optimizers_.emplace_back(layout.tables()[t].optimizer, layout.tables()[t].width);
  }
  for (int n = 0; n < layout.nodes(); ++n) {
    mailboxes_.push_back(cursor.take(collects() ? room_of_first(job.workers_of(n)) : 0));
  }
  mailboxes_.push_back(cursor.take(0));
  if (combines()) shared_pulls_ = cursor.take(SharedPulls::bytes_needed(layout, job, node));
  sums_ = cursor.take(units() * sizeof(CellSums));
  bytes_ = cursor.take(0);
}

std::size_t RowNode::bytes_needed(const RowLayout& layout, const RowJob& job, int node) {
  return RowNode{layout, job, node}.bytes_;
}

RowNode::RowNode(std::span<std::byte> memory, const RowLayout& layout, const RowJob& job, int node)
    : RowNode{layout, job, node} {
  FACTORPS_CHECK(memory.size() >= bytes_);
  memory_ = memory;
  if (combines()) pulls_.emplace(memory.subspan(shared_pulls_), layout, job, node);
}

std::atomic<std::uint64_t>& RowNode::guard(std::size_t table, std::uint64_t row) const {
  const Place& place = places_[table];
  auto* guards = reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.data() + place.guards);
  return guards[row - place.rows.begin];
}

void RowNode::read(std::size_t table, std::uint64_t row, float* to) const {
  std::optional<RowLock> lock;
  if (job_.policy.consistency != Consistency::bsp) lock.emplace(guard(table, row));
  std::copy_n(record(table, row), layout_.tables()[table].width, to);
}

std::uint32_t& RowNode::pushes(std::size_t table, std::uint64_t row) const {
  const Place& place = places_[table];
  auto* pushes = reinterpret_cast<std::uint32_t*>(memory_.data() + place.pushes);
  return pushes[row - place.rows.begin];
}

std::uint32_t RowNode::take_pushes(std::size_t table, std::uint64_t row) const {
  return std::exchange(pushes(table, row), 0);
}

void RowNode::change(std::size_t table, std::uint64_t row, const float* mean, RowStep step) const {
  const RowOptimizer& optimizer = optimizers_[table];
  if (job_.policy.consistency == Consistency::bsp) {
    pushes(table, row) += step.pushes;
    optimizer.step(record(table, row), mean, step.rate_factor);
    return;
  }
  RowLock lock{guard(table, row)};
  pushes(table, row) += step.pushes;
  const int last = lock.begin_step(step.number);
  if (last < 0) {
    optimizer.step(record(table, row), mean, step.rate_factor);
  } else if (last == 0) {
    optimizer.add(record(table, row), mean, step.rate_factor);
  } else {
    optimizer.add_late(record(table, row), mean, step.rate_factor);
  }
}

void RowNode::read(std::size_t table, std::span<const std::uint64_t> rows, float* to) const {
  const std::size_t width = layout_.tables()[table].width;
  const bool locks = job_.policy.consistency != Consistency::bsp;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (locks) {
      if (n + kAhead < rows.size()) fetch(table, rows[n + kAhead], width * sizeof(float));
      read(table, rows[n], to + n * width);
    } else {
      std::memcpy(to + n * width, record(table, rows[n]), width * sizeof(float));
    }
  }
}

namespace {

/// Memory for a mean gradient.
std::span<float> mean_of(std::size_t width) {
  thread_local std::vector<float> gradient;
  if (gradient.size() < width) gradient.resize(width);
  return {gradient.data(), width};
}

}  // namespace

void RowNode::apply(std::size_t table, std::uint64_t row, std::span<const double> sum,
                    RowStep step) const {
  const auto mean = mean_of(sum.size());
  exact_kernels().mean_of_sum(sum.data(), sum.size(), step.scale, mean.data());
  change(table, row, mean.data(), step);
}

void RowNode::apply(std::size_t table, std::uint64_t row, const float* gradient,
                    RowStep step) const {
  const auto mean = mean_of(layout_.tables()[table].width);
  exact_kernels().mean_of_one(gradient, mean.size(), step.scale, mean.data());
  change(table, row, mean.data(), step);
}

void RowNode::apply(std::size_t table, std::span<const std::uint64_t> rows, const float* gradients,
                    RowStep step) const {
  const RowTable& shape = layout_.tables()[table];
  const std::size_t bytes = shape.record() * sizeof(float);
  const auto mean = mean_of(shape.width);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (n + kAhead < rows.size()) fetch(table, rows[n + kAhead], bytes);
    exact_kernels().mean_of_one(gradients + n * shape.width, shape.width, step.scale, mean.data());
    change(table, rows[n], mean.data(), step);
  }
}

std::atomic<std::uint64_t>& RowNode::counter(std::size_t n) const {
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_.data() + counters_ +
                                                        n * kAlignment);
}
std::atomic<std::uint64_t>& RowNode::clock(std::size_t worker) const { return counter(1 + worker); }
std::atomic<std::uint64_t>& RowNode::applied() const { return counter(0); }

std::uint64_t RowNode::min_clock() const {
  std::uint64_t least = ~std::uint64_t{0};
  for (std::size_t w = 0; w < job_.workers(); ++w) {
    least = std::min(least, clock(w).load(std::memory_order_acquire));
  }
  return least;
}

bool RowNode::applied_before(std::uint64_t step) const {
  if (!collects()) return min_clock() >= step;
  return applied().load(std::memory_order_acquire) >= step * here_.size();
}

bool RowNode::open(std::uint64_t step) const {
  switch (job_.policy.consistency) {
    case Consistency::bsp:
      return applied_before(step);
    case Consistency::ssp:
      return step <= job_.policy.staleness || min_clock() >= step - job_.policy.staleness;
    case Consistency::asp:
      break;
  }
  return true;
}

std::span<std::byte> RowNode::mailbox(int node) const {
  const auto n = static_cast<std::size_t>(node);
  return memory_.subspan(mailboxes_[n], mailboxes_[n + 1] - mailboxes_[n]);
}

RowHeader& RowNode::pushed(std::size_t worker) const {
  static_assert(sizeof(RowHeader) <= kAlignment);
  const std::size_t number = 1 + job_.workers() + worker;
  return *reinterpret_cast<RowHeader*>(memory_.data() + counters_ + number * kAlignment);
}

std::uint32_t RowNode::part_of(std::size_t worker) const {
  return static_cast<std::uint32_t>(std::ranges::lower_bound(here_, worker) - here_.begin());
}

/// Of some workers, one behind the other.
std::size_t RowNode::room_of_first(std::span<const std::size_t> workers) const {
  if (workers.empty()) return 0;
  std::vector<std::uint64_t> rows(layout_.tables().size());
  for (const std::size_t worker : workers) {
    for (std::size_t t = 0; t < rows.size(); ++t) rows[t] += job_.most_rows[worker][t];
  }
  return room_for_pushes(layout_, job_, rows, workers.size());
}

std::size_t RowNode::room_of(std::size_t worker) const {
  return room_of_first(std::span{here_}.first(part_of(worker)));
}

std::uint64_t RowNode::units() const {
  const Share strips = layout_.blocks_of(0, node_);
  return std::uint64_t{strips.end - strips.begin} * job_.blocks;
}

CellSums& RowNode::sums(StripId strip, BlockId block) const {
  auto* sums = reinterpret_cast<CellSums*>(memory_.data() + sums_);
  const std::size_t first = layout_.blocks_of(0, node_).begin;
  return sums[(strip.value() - first) * job_.blocks + block.value()];
}

}  // namespace factorps::ps
