#include "comm/signs_of_life.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "comm/mpi_check.hpp"
#include "comm/mpi_turn.hpp"
#include "common/activity.hpp"

namespace factorps::comm {
namespace {

constexpr std::size_t kBytes = 3072;  // of a message at most: MPI sends as many without asking
constexpr int kTag = 0;

using Body = std::array<char, kBytes>;  // whether it leaves, then words

/// MPI may read it as long as the process lives.
void leave_to_mpi(std::unique_ptr<Body> body) {
  static auto& left = *new std::vector<std::unique_ptr<Body>>;  // never destroyed
  left.push_back(std::move(body));
}

}  // namespace

/// Calls of MPI that fail are not told: who cannot be reached is silent.
struct SignsOfLife::Impl {
  struct Peer {
    int rank = 0;
    std::unique_ptr<Body> out = std::make_unique<Body>();
    std::unique_ptr<Body> in = std::make_unique<Body>();
    MPI_Request sending = MPI_REQUEST_NULL;
    MPI_Request receiving = MPI_REQUEST_NULL;
  };

  MPI_Comm communicator = MPI_COMM_NULL;
  std::vector<Peer> peers;

  static bool is_done(MPI_Request& request, MPI_Status* status = MPI_STATUS_IGNORE) {
    int done = 0;
    return MPI_Test(&request, &done, status) == MPI_SUCCESS && done != 0;
  }

  void listen(Peer& peer) const {
    MPI_Irecv(peer.in->data(), to_count(kBytes), MPI_CHAR, peer.rank, kTag, communicator,
              &peer.receiving);
  }

  void send(Peer& peer, bool leaves, std::string_view words) const {
    peer.out->front() = leaves ? 1 : 0;
    std::ranges::copy(words, peer.out->data() + 1);
    MPI_Isend(peer.out->data(), to_count(words.size() + 1), MPI_CHAR, peer.rank, kTag, communicator,
              &peer.sending);
  }

  std::vector<Sign> receive() {
    std::vector<Sign> signs;
    for (std::size_t n = 0; n < peers.size(); ++n) {
      Peer& peer = peers[n];
      MPI_Status status{};
      while (peer.receiving != MPI_REQUEST_NULL && is_done(peer.receiving, &status)) {
        int bytes = 0;
        MPI_Get_count(&status, MPI_CHAR, &bytes);
        const std::string_view body{peer.in->data(), static_cast<std::size_t>(std::max(bytes, 0))};
        if (!body.empty()) signs.push_back({n, body.front() != 0, std::string{body.substr(1)}});
        listen(peer);
      }
    }
    return signs;
  }

  static bool is_sent(Peer& peer) {
    constexpr int kTries = 100;
    for (int n = 0; n < kTries; ++n) {
      if (is_done(peer.sending)) return true;
      std::this_thread::yield();
    }
    return false;
  }

  /// Nobody waits here for a peer that takes nothing: the bytes on the way are left to MPI.
  void end(Peer& peer) const {
    if (is_sent(peer)) send(peer, true, {});
    if (!is_sent(peer)) {
      MPI_Request_free(&peer.sending);
      leave_to_mpi(std::move(peer.out));
    }
    if (peer.receiving == MPI_REQUEST_NULL) return;
    MPI_Cancel(&peer.receiving);
    MPI_Wait(&peer.receiving, MPI_STATUS_IGNORE);
  }
};

SignsOfLife::SignsOfLife(const Environment& /*environment*/, const std::vector<int>& peers)
    : impl_{std::make_unique<Impl>()} {
  {
    const Waiting waiting{"all ranks in MPI_Comm_dup"};
    check(MPI_Comm_dup(MPI_COMM_WORLD, &impl_->communicator), "MPI_Comm_dup");
  }
  for (const int rank : peers) {
    Impl::Peer& peer = impl_->peers.emplace_back();
    peer.rank = rank;
    impl_->listen(peer);
  }
  MpiTurn::share(!peers.empty());
}

/// The communicator stays: MPI would give its number to another one, and what a peer has said late
/// would come to that (Open MPI 4.1: sends and receives on it never end).
SignsOfLife::~SignsOfLife() {
  MpiTurn::share(false);
  for (Impl::Peer& peer : impl_->peers) impl_->end(peer);
}

void SignsOfLife::say(std::string_view words) {
  const MpiTurn turn{std::try_to_lock};
  if (!turn.held()) return;
  if (words.size() >= kBytes) words = words.substr(0, words.rfind('\n', kBytes - 2) + 1);
  for (Impl::Peer& peer : impl_->peers) {
    if (Impl::is_done(peer.sending)) impl_->send(peer, false, words);
  }
}

std::optional<std::vector<Sign>> SignsOfLife::hear() {
  const MpiTurn turn{std::try_to_lock};
  if (!turn.held()) return std::nullopt;
  return impl_->receive();
}

}  // namespace factorps::comm
