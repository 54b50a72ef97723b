#include "tests/support/local_ring.hpp"

#include <algorithm>
#include <utility>

#include "common/check.hpp"

namespace factorps::test {

class LocalRing::Link final : public comm::RingLink {
 public:
  Link(LocalRing& ring, int node) : ring_{ring}, node_{static_cast<std::size_t>(node)} {}

  void send(comm::Parcel parcel) override {
    if (ring_.lost_.takes(node_, sent_++)) return;
    std::vector<std::byte> bytes;
    for (const auto piece : parcel) bytes.insert(bytes.end(), piece.begin(), piece.end());
    Mailbox& to = ring_.mailboxes_.at(static_cast<std::size_t>(ring_.next_[node_]));
    const std::lock_guard lock{to.mutex};
    to.parcels.push_back({std::move(bytes), ring_.delay_});
  }

  void receive(comm::Parcel parcel) override { posted_.push_back(std::move(parcel)); }

  std::uint64_t sent() override { return sent_; }

  std::uint64_t received() override {
    Mailbox& mine = ring_.mailboxes_.at(node_);
    const std::lock_guard lock{mine.mutex};
    while (!mine.parcels.empty()) {
      OnItsWay& first = mine.parcels.front();
      if (first.looks > 0) {
        --first.looks;
        break;
      }
      FACTORPS_CHECK(!posted_.empty());
      deliver(first.bytes, posted_.front());
      mine.parcels.pop_front();
      posted_.pop_front();
      ++received_;
    }
    return received_;
  }

 private:
  /// A parcel in the place of one that was lost may have another size, as with a real network.
  void deliver(const std::vector<std::byte>& bytes, const comm::Parcel& parcel) const {
    std::size_t at = 0;
    for (const auto piece : parcel) {
      const std::size_t size = std::min(piece.size(), bytes.size() - at);
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, piece.begin());
      FACTORPS_CHECK(size == piece.size() || ring_.lost_.node >= 0);
      at += size;
    }
    FACTORPS_CHECK(at == bytes.size() || ring_.lost_.node >= 0);
  }

  LocalRing& ring_;
  std::size_t node_;
  std::deque<comm::Parcel> posted_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

LocalRing::LocalRing(std::vector<int> next, std::uint32_t delay)
    : next_{std::move(next)}, delay_{delay}, mailboxes_(next_.size()) {}
LocalRing::~LocalRing() = default;

std::unique_ptr<comm::RingLink> LocalRing::link(int node) {
  return std::make_unique<Link>(*this, node);
}

}  // namespace factorps::test
