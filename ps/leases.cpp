#include "ps/leases.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/check.hpp"

namespace factorps::ps {
namespace {

/// The first step since the start of the job that no cell has begun.
std::uint64_t first_not_begun(const Tables& tables, Share strips) {
  std::uint64_t first = 0;
  for (std::uint32_t s = strips.begin; s < strips.end; ++s) {
    const std::uint64_t progress = tables.progress(StripId{s}).load(std::memory_order_seq_cst);
    first = std::max(first, (progress + 1) / 2);
  }
  return first;
}

}  // namespace

/// A worker takes a cell, then looks at the hold; here the hold is set, then the cells are looked
/// at. So either the worker sees the hold and gives back, or its cell is seen here and the hold
/// moves on.
std::uint32_t hold_pass(const Tables& tables, Share strips, PassSteps pass) {
  const std::uint64_t begin = pass.pass * pass.steps;
  const std::uint64_t end = begin + pass.steps;
  auto& hold = tables.hold();
  while (true) {
    const std::uint64_t first = std::clamp(first_not_begun(tables, strips), begin, end);
    std::uint64_t held = hold.load(std::memory_order_seq_cst);
    if (held > begin && held >= first) return static_cast<std::uint32_t>(held - begin);
    // At least one step, or it would be none.
    hold.compare_exchange_strong(held, std::max(first, begin + 1), std::memory_order_seq_cst);
  }
}

void pause_pass(const Tables& tables, std::uint32_t step, PassSteps pass) {
  tables.pause().store(pass.pass * pass.steps + step, std::memory_order_seq_cst);
  tables.hold().store(0, std::memory_order_seq_cst);
}

void Leases::begin(std::uint64_t pass) {
  pass_ = pass;
  next_ = 0;
}

std::optional<Lease> Leases::try_acquire() {
  starved_ = false;
  for (std::size_t n = 0; n < strips_.size(); ++n) {
    const std::size_t index = (next_ + strips_.size() - n) % strips_.size();
    if (auto lease = try_strip(strips_[index])) {
      // The next turn of this block belongs to the strip before this one.
      next_ = (index + strips_.size() - 1) % strips_.size();
      return lease;
    }
  }
  return std::nullopt;
}

std::optional<Lease> Leases::try_strip(StripId strip) {
  auto& progress = tables_.progress(strip);
  const std::uint64_t steps = order_.steps();
  std::uint64_t now = progress.load(std::memory_order_acquire);
  while (now % 2 == 0 && now / 2 < (pass_ + 1) * steps) {
    if (held_before(now / 2)) return std::nullopt;
    const auto step = static_cast<std::uint32_t>(now / 2 - pass_ * steps);
    const auto block = order_.block_at(strip, step);
    const std::uint64_t turn =
        block ? pass_ * tables_.grid().strips() + order_.turn(strip, *block) : 0;
    const std::uint64_t reached =
        block ? tables_.turns(*block).load(std::memory_order_acquire) : turn;
    if (reached != turn) {
      starved_ = starved_ || reached == kAbsent;
      return std::nullopt;
    }
    // A step without a block is skipped; one with a block is taken by setting the lowest bit.
    const std::uint64_t then = block ? now + 1 : now + 2;
    if (!progress.compare_exchange_strong(now, then, std::memory_order_seq_cst)) continue;
    if (block && held_before(now / 2)) {  // set meanwhile: hold_pass() may not have seen the cell
      progress.store(now, std::memory_order_seq_cst);
      return std::nullopt;
    }
    if (block) return Lease{strip, *block, step};
    now = then;
  }
  return std::nullopt;
}

bool Leases::held_before(std::uint64_t step) const {
  const std::uint64_t hold = tables_.hold().load(std::memory_order_seq_cst);
  return hold > pass_ * order_.steps() && step >= hold;
}

bool Leases::paused_before(const Lease& lease) const {
  const std::uint64_t pause = tables_.pause().load(std::memory_order_seq_cst);
  const std::uint64_t begin = pass_ * order_.steps();
  return pause > begin && begin + lease.step >= pause;
}

void Leases::release(const Lease& lease) {
  tables_.turns(lease.block).fetch_add(1, std::memory_order_release);
  const std::uint64_t before =
      tables_.progress(lease.strip).fetch_add(1, std::memory_order_release);
  FACTORPS_ASSERT(before % 2 == 1);
  static_cast<void>(before);
}

std::string Leases::waits_for() const {
  constexpr int kShown = 3;
  std::string text;
  int waiting = 0;
  for (const StripId strip : strips_) {
    const std::uint64_t now = tables_.progress(strip).load(std::memory_order_acquire);
    if (now >= 2 * (pass_ + 1) * order_.steps() || ++waiting > kShown) continue;
    text += (text.empty() ? "" : ", ") + wait_of(strip, now);
  }
  if (waiting == 0) return "the scheduler: all strips of its node are done";
  return waiting > kShown ? fmt::format("{} and {} strips more", text, waiting - kShown) : text;
}

std::string Leases::wait_of(StripId strip, std::uint64_t progress) const {
  if (progress % 2 == 1) return fmt::format("strip {}, which a worker holds", strip.value());
  const auto step = static_cast<std::uint32_t>(progress / 2 - pass_ * order_.steps());
  const auto block = order_.block_at(strip, step);
  if (!block) return fmt::format("strip {}, which is ready", strip.value());
  const std::uint64_t before = pass_ * tables_.grid().strips();
  const std::uint64_t turn = order_.turn(strip, *block);
  const std::uint64_t reached = tables_.turns(*block).load(std::memory_order_acquire);
  const std::string now = reached == kAbsent ? std::string{"not on this node"}
                          : reached < before ? std::string{"still in the pass before"}
                                             : fmt::format("at turn {}", reached - before);
  return fmt::format("turn {} of block {} for strip {} (the block is {})", turn, block->value(),
                     strip.value(), now);
}

bool Leases::finished() const {
  for (const StripId strip : strips_) {
    const std::uint64_t now = tables_.progress(strip).load(std::memory_order_acquire);
    if (now < 2 * (pass_ + 1) * order_.steps()) return false;
  }
  return true;
}

}  // namespace factorps::ps
