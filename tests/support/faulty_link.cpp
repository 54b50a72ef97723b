#include "tests/support/faulty_link.hpp"

#include <deque>
#include <random>
#include <utility>

namespace factorps::test {
namespace {

class FaultyLink final : public comm::Transport {
 public:
  FaultyLink(std::unique_ptr<comm::Transport> link, comm::RoleId role, const MessageFaults& faults)
      : link_{std::move(link)},
        role_{role},
        faults_{faults},
        random_{faults.seed + static_cast<std::uint64_t>(role)} {}

  void send(comm::RoleId to, comm::Tag tag, std::vector<std::byte> body) override {
    if (faults_.lost && faults_.lost(role_, to, tag)) return;
    link_->send(to, tag, std::move(body));
  }

  std::optional<comm::Envelope> poll() override {
    if (!late_) {
      late_ = link_->poll();
      if (late_) looks_ = random_() % (faults_.most_delay + std::uint64_t{1});
    }
    if (!late_ || looks_-- > 0) return std::nullopt;
    return std::exchange(late_, std::nullopt);
  }

 private:
  std::unique_ptr<comm::Transport> link_;
  comm::RoleId role_;
  const MessageFaults& faults_;
  std::mt19937_64 random_;
  std::optional<comm::Envelope> late_;
  std::uint64_t looks_ = 0;  // that are still in vain
};

}  // namespace

std::unique_ptr<comm::Transport> faulty_link(std::unique_ptr<comm::Transport> link,
                                             comm::RoleId role, const MessageFaults& faults) {
  return std::make_unique<FaultyLink>(std::move(link), role, faults);
}

}  // namespace factorps::test
