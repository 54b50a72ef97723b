#include "comm/local_transport.hpp"

#include <utility>

namespace factorps::comm {

class LocalHub::Link final : public Transport {
 public:
  Link(LocalHub& hub, RoleId role) : hub_{hub}, role_{role} {}

  void send(RoleId to, Tag tag, std::vector<std::byte> body) override {
    Inbox& inbox = hub_.inboxes_.at(static_cast<std::size_t>(to));
    const std::lock_guard lock{inbox.mutex};
    inbox.waiting.push_back({role_, tag, std::move(body)});
  }

  std::optional<Envelope> poll() override {
    Inbox& inbox = hub_.inboxes_.at(static_cast<std::size_t>(role_));
    const std::lock_guard lock{inbox.mutex};
    if (inbox.waiting.empty()) return std::nullopt;
    Envelope next = std::move(inbox.waiting.front());
    inbox.waiting.pop_front();
    return next;
  }

 private:
  LocalHub& hub_;
  RoleId role_;
};

std::unique_ptr<Transport> LocalHub::link(RoleId role) {
  return std::make_unique<Link>(*this, role);
}

}  // namespace factorps::comm
