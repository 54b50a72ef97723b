#include "ps/leases.hpp"

#include "common/check.hpp"

namespace factorps::ps {

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
    if (!progress.compare_exchange_strong(now, then, std::memory_order_acq_rel)) continue;
    if (block) return Lease{strip, *block, step};
    now = then;
  }
  return std::nullopt;
}

void Leases::release(const Lease& lease) {
  tables_.turns(lease.block).fetch_add(1, std::memory_order_release);
  const std::uint64_t before =
      tables_.progress(lease.strip).fetch_add(1, std::memory_order_release);
  FACTORPS_ASSERT(before % 2 == 1);
  static_cast<void>(before);
}

bool Leases::finished() const {
  for (const StripId strip : strips_) {
    const std::uint64_t now = tables_.progress(strip).load(std::memory_order_acquire);
    if (now < 2 * (pass_ + 1) * order_.steps()) return false;
  }
  return true;
}

}  // namespace factorps::ps
