#include "comm/mpi_transport.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <utility>

#include "comm/mpi_check.hpp"
#include "comm/mpi_turn.hpp"
#include "comm/spare_bodies.hpp"
#include "common/check.hpp"

namespace factorps::comm {
namespace {

// An MPI tag holds (sending role, receiving role, message tag); 4096 roles fit the smallest upper
// bound for tags that Open MPI's transports have.
constexpr int kTags = 16;
constexpr int kRoles = 4096;

int mpi_tag(RoleId from, RoleId to, Tag tag) {
  return (from * kRoles + to) * kTags + static_cast<int>(tag);
}

}  // namespace

struct MpiHub::Impl {
  /// A send in flight owns its bytes.
  struct Pending {
    std::vector<std::byte> body;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  /// A message on its way.
  struct Arriving {
    int source = 0;
    int tag = 0;
    std::vector<std::byte> body;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  std::vector<int> rank_of_role;
  int rank = 0;
  std::deque<Pending> outbox;
  SpareBodies spare;                          // bodies that were sent, for those that arrive
  std::list<Arriving> arriving;               // in the order of their envelopes
  std::vector<std::deque<Envelope>> inboxes;  // [role]; only those of this rank fill

  void send(RoleId from, RoleId to, Tag tag, std::vector<std::byte> body) {
    const int target = rank_of_role.at(static_cast<std::size_t>(to));
    if (target == rank) {
      inboxes[static_cast<std::size_t>(to)].push_back({from, tag, std::move(body)});
      return;
    }
    Pending& pending = outbox.emplace_back(Pending{std::move(body), MPI_REQUEST_NULL});
    const MpiTurn turn;
    check(MPI_Isend(pending.body.data(), to_count(pending.body.size()), MPI_BYTE, target,
                    mpi_tag(from, to, tag), MPI_COMM_WORLD, &pending.request),
          "MPI_Isend");
    complete();  // what was sent before moves on while the next message is being made
  }

  bool drain() {
    if (outbox.empty()) return true;
    const MpiTurn turn;
    complete();
    return outbox.empty();
  }

  void complete() {
    while (!outbox.empty()) {
      int done = 0;
      check(MPI_Test(&outbox.front().request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done == 0) return;
      spare.give(std::move(outbox.front().body));
      outbox.pop_front();
    }
  }

  /// Never waits for the bytes of a large message: its sender may be busy, or wait for this rank.
  void receive() {
    const MpiTurn turn;
    MPI_Status status{};
    int found = 0;
    check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &status), "MPI_Iprobe");
    if (found != 0) {
      int bytes = 0;
      check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
      Arriving& next = arriving.emplace_back();
      next.source = status.MPI_SOURCE;
      next.tag = status.MPI_TAG;
      next.body = spare.take(static_cast<std::size_t>(bytes));
      check(MPI_Irecv(next.body.data(), bytes, MPI_BYTE, next.source, next.tag, MPI_COMM_WORLD,
                      &next.request),
            "MPI_Irecv");
    }
    deliver();
  }

  /// What has arrived, but nothing before what the same rank has sent earlier.
  void deliver() {
    for (auto next = arriving.begin(); next != arriving.end();) {
      const auto same = [&](const Arriving& other) { return other.source == next->source; };
      int done = 0;
      if (std::none_of(arriving.begin(), next, same)) {
        check(MPI_Test(&next->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      }
      if (done == 0) {
        ++next;
        continue;
      }
      const auto to = static_cast<std::size_t>(next->tag / kTags % kRoles);
      inboxes.at(to).push_back(
          {next->tag / kTags / kRoles, static_cast<Tag>(next->tag % kTags), std::move(next->body)});
      next = arriving.erase(next);
    }
  }
};

class MpiHub::Link final : public Transport {
 public:
  Link(Impl& impl, RoleId role) : impl_{impl}, role_{role} {}

  void send(RoleId to, Tag tag, std::vector<std::byte> body) override {
    impl_.send(role_, to, tag, std::move(body));
  }

  std::optional<Envelope> poll() override {
    static_cast<void>(impl_.drain());
    auto& inbox = impl_.inboxes[static_cast<std::size_t>(role_)];
    if (inbox.empty()) impl_.receive();
    if (inbox.empty()) return std::nullopt;
    Envelope next = std::move(inbox.front());
    inbox.pop_front();
    return next;
  }

 private:
  Impl& impl_;
  RoleId role_;
};

MpiHub::MpiHub(const Environment& environment, std::vector<int> rank_of_role)
    : impl_{std::make_unique<Impl>()} {
  FACTORPS_CHECK(rank_of_role.size() < static_cast<std::size_t>(kRoles));
  impl_->rank = environment.rank();
  impl_->inboxes.resize(rank_of_role.size());
  impl_->rank_of_role = std::move(rank_of_role);
}

MpiHub::~MpiHub() = default;

std::unique_ptr<Transport> MpiHub::link(RoleId role) {
  return std::make_unique<Link>(*impl_, role);
}

bool MpiHub::drain() { return impl_->drain(); }

}  // namespace factorps::comm
