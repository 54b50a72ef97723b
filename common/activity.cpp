#include "common/activity.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include <fmt/format.h>
#include <unistd.h>

namespace factorps {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<const Activity*> all;  // guarded by mutex
};

Registry& registry() {
  static Registry registry;
  return registry;
}

}  // namespace

namespace detail {
thread_local Activity* activity_of_thread = nullptr;
}

// A seqlock whose words are atomic (Boehm 2012, Can seqlocks get along with programming language
// memory models?, figure 6).
template <std::size_t Words>
void SharedText<Words>::write(std::string_view text) noexcept {
  std::array<std::uint64_t, Words> words{};
  std::memcpy(words.data(), text.data(), std::min(text.size(), sizeof words - 1));
  const std::uint32_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (std::size_t n = 0; n < Words; ++n) words_[n].store(words[n], std::memory_order_relaxed);
  version_.store(version + 2, std::memory_order_release);
}

template <std::size_t Words>
std::string SharedText<Words>::read() const {
  // A writer that was stopped in the middle never finishes: then what is there must do.
  constexpr int kTries = 1000;
  std::array<std::uint64_t, Words> words{};
  for (int n = 0; n < kTries; ++n) {
    const std::uint32_t before = version_.load(std::memory_order_acquire);
    for (std::size_t w = 0; w < Words; ++w) words[w] = words_[w].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && version_.load(std::memory_order_relaxed) == before) break;
  }
  std::array<char, sizeof words> text{};
  std::memcpy(text.data(), words.data(), sizeof words);
  return {text.data(), ::strnlen(text.data(), text.size())};
}

template class SharedText<8>;
template class SharedText<24>;
template class SharedText<64>;

std::string text_of(const Holding& holding) {
  switch (holding.kind) {
    case Holding::Kind::nothing:
      return {};
    case Holding::Kind::cell:
      return fmt::format("strip {} and block {} (a cell of epoch {})", holding.strip, holding.block,
                         holding.epoch);
    case Holding::Kind::rows:
      return fmt::format("piece {} of the rows (epoch {})", holding.strip, holding.epoch);
    case Holding::Kind::step:
      return fmt::format("step {} (epoch {})", holding.strip, holding.epoch);
  }
  return {};
}

void Activity::enter(std::string_view who, std::int64_t process) noexcept {
  who_.write(who);
  doing_.write("");
  process_.store(process, std::memory_order_relaxed);
  resting_.store(false, std::memory_order_relaxed);
  stage_.store(Stage::lives, std::memory_order_release);
}

void Activity::rest(std::string_view waits_for) noexcept {
  waits_for_.write(waits_for);
  resting_.store(true, std::memory_order_relaxed);
}

void Activity::hold(const Holding& holding) noexcept {
  if (holding.kind != Holding::Kind::nothing) wake();
  held_where_.store(std::uint64_t{holding.strip} << 32 | holding.block, std::memory_order_relaxed);
  held_what_.store(std::uint64_t{holding.epoch} << 32 | static_cast<std::uint64_t>(holding.kind),
                   std::memory_order_relaxed);
}

ActivitySeen Activity::see(int rank) const {
  const std::uint64_t what = held_what_.load(std::memory_order_relaxed);
  const std::uint64_t where = held_where_.load(std::memory_order_relaxed);
  ActivitySeen seen;
  seen.rank = rank;
  seen.lives = stage_.load(std::memory_order_acquire) == Stage::lives;
  seen.process = process_.load(std::memory_order_relaxed);
  seen.ticks = ticks_.load(std::memory_order_relaxed);
  seen.progress = progress_.load(std::memory_order_relaxed) + busy_.load(std::memory_order_relaxed);
  seen.resting = resting_.load(std::memory_order_relaxed);
  seen.holding = {static_cast<Holding::Kind>(what & 0xff), static_cast<std::uint32_t>(what >> 32),
                  static_cast<std::uint32_t>(where >> 32), static_cast<std::uint32_t>(where)};
  seen.who = who_.read();
  seen.doing = doing_.read();
  if (seen.resting) seen.waits_for = waits_for_.read();
  return seen;
}

ActivityScope::ActivityScope(Activity& mine, std::string_view who)
    : mine_{mine}, before_{detail::activity_of_thread} {
  mine_.enter(who, ::gettid());  // of the main thread the process's
  detail::activity_of_thread = &mine_;
  const std::lock_guard lock{registry().mutex};
  registry().all.push_back(&mine_);
}

ActivityScope::~ActivityScope() {
  {
    const std::lock_guard lock{registry().mutex};
    std::erase(registry().all, &mine_);
  }
  mine_.leave();
  detail::activity_of_thread = before_;
}

std::vector<ActivitySeen> ActivityScope::of_process(int rank) {
  const std::lock_guard lock{registry().mutex};
  std::vector<ActivitySeen> seen;
  for (const Activity* one : registry().all) seen.push_back(one->see(rank));
  return seen;
}

Doing::Doing(std::string_view what) {
  Activity* const mine = activity();
  if (mine == nullptr) return;
  before_ = mine->see(0).doing;
  mine->wake();
  mine->begin(what);
}

Doing::~Doing() {
  if (Activity* const mine = activity()) {
    mine->begin(before_);
    mine->progress();
  }
}

}  // namespace factorps
