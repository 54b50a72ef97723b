#include "comm/faulty_link.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::comm {
namespace {

class FaultyLink final : public Transport {
 public:
  FaultyLink(std::unique_ptr<Transport> link, RoleId role, const MessageFaults& faults)
      : link_{std::move(link)},
        role_{role},
        faults_{faults},
        random_{faults.seed + static_cast<std::uint64_t>(role)} {}

  void send(RoleId to, Tag tag, std::vector<std::byte> body) override {
    if (faults_.lost && faults_.lost(role_, to, tag)) return;
    link_->send(to, tag, std::move(body));
  }

  std::optional<Envelope> poll() override {
    if (!late_) {
      late_ = link_->poll();
      if (late_) looks_ = random_() % (faults_.most_delay + 1);
    }
    if (!late_ || looks_-- > 0) return std::nullopt;
    return std::exchange(late_, std::nullopt);
  }

 private:
  std::unique_ptr<Transport> link_;
  RoleId role_;
  const MessageFaults& faults_;
  std::mt19937_64 random_;
  std::optional<Envelope> late_;
  std::uint64_t looks_ = 0;  // that are still in vain
};

/// A fault `drop`, for all links of a process.
class Dropper {
 public:
  explicit Dropper(Fault fault) : fault_{std::move(fault)} {
    if (!fault_.tag.empty()) tag_ = tag_named(fault_.tag);
    if (fault_.tag.empty() || tag_) return;
    throw ConfigError{fmt::format("fault \"{}\": tag = {}, expected one of {}", fault_.text,
                                  fault_.tag, fmt::join(names_of_tags(), ", "))};
  }

  bool operator()(RoleId from, RoleId to, Tag tag) {
    if (tag_.value_or(tag) != tag || fault_.from.value_or(from) != from ||
        fault_.to.value_or(to) != to) {
      return false;
    }
    if (!fault_.share) return ++count_ == fault_.nth;
    const std::lock_guard lock{mutex_};  // draws of a sender do not depend on those of others
    auto& random =
        random_.try_emplace(from, fault_.seed + static_cast<std::uint64_t>(from)).first->second;
    return std::uniform_real_distribution{}(random) < *fault_.share;
  }

 private:
  Fault fault_;
  std::optional<Tag> tag_;
  std::atomic<std::uint64_t> count_{0};
  std::mutex mutex_;
  std::map<RoleId, std::mt19937_64> random_;  // guarded by mutex_
};

}  // namespace

MessageFaults message_faults(std::span<const Fault> faults) {
  MessageFaults result;
  std::vector<std::shared_ptr<Dropper>> droppers;
  for (const Fault& fault : faults) {
    if (fault.action == FaultAction::drop) droppers.push_back(std::make_shared<Dropper>(fault));
    if (fault.action != FaultAction::delay) continue;
    result.most_delay = fault.looks;
    result.seed = fault.seed;
  }
  if (droppers.empty()) return result;
  result.lost = [droppers](RoleId from, RoleId to, Tag tag) {
    bool lost = false;
    for (const auto& dropper : droppers) lost = (*dropper)(from, to, tag) || lost;
    return lost;
  };
  return result;
}

std::unique_ptr<Transport> faulty_link(std::unique_ptr<Transport> link, RoleId role,
                                       const MessageFaults& faults) {
  return std::make_unique<FaultyLink>(std::move(link), role, faults);
}

}  // namespace factorps::comm
