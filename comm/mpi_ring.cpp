#include "comm/mpi_ring.hpp"

#include <algorithm>
#include <deque>
#include <exception>

#include "comm/mpi_check.hpp"
#include "comm/mpi_turn.hpp"
#include "common/activity.hpp"

namespace factorps::comm {
namespace {

// Bytes. Below Open MPI's eager limit for TCP (64 KiB with its header): a chunk leaves at once. A
// larger one would first ask the receiver, and on a busy link question and answer queue behind the
// blocks that go the other way. The receive is posted before, so nothing arrives unexpected.
constexpr std::size_t kChunk = std::size_t{60} << 10;
constexpr int kTag = 0;

/// Parcels under way in one direction, oldest first, each as the requests of its chunks.
class Channel {
 public:
  /// @param start begins one chunk: (bytes, request)
  template <class Start>
  void begin(const Parcel& parcel, Start&& start) {
    const MpiTurn turn;
    auto& requests = parcels_.emplace_back();
    for (const auto piece : parcel) {
      for (std::size_t at = 0; at < piece.size(); at += kChunk) {
        start(piece.subspan(at, std::min(kChunk, piece.size() - at)),
              requests.emplace_back(MPI_REQUEST_NULL));
      }
    }
  }

  /// @return parcels completed so far
  std::uint64_t test() {
    if (parcels_.empty()) return completed_;
    const MpiTurn turn;
    while (!parcels_.empty()) {
      auto& requests = parcels_.front();
      int done = 0;
      check(MPI_Testall(to_count(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
            "MPI_Testall");
      if (done == 0) break;
      parcels_.pop_front();
      ++completed_;
    }
    return completed_;
  }

 private:
  std::deque<std::vector<MPI_Request>> parcels_;
  std::uint64_t completed_ = 0;
};

}  // namespace

struct MpiRing::Impl {
  MPI_Comm communicator = MPI_COMM_NULL;
  int next = 0;
  int previous = 0;
  ~Impl() {
    if (communicator != MPI_COMM_NULL && std::uncaught_exceptions() == 0) {
      const MpiTurn turn;
      MPI_Comm_free(&communicator);
    }
  }
};

class MpiRing::Link final : public RingLink {
 public:
  explicit Link(const Impl& ring) : ring_{ring} {}

  void send(Parcel parcel) override {
    out_.begin(parcel, [&](std::span<std::byte> bytes, MPI_Request& request) {
      check(MPI_Isend(bytes.data(), to_count(bytes.size()), MPI_BYTE, ring_.next, kTag,
                      ring_.communicator, &request),
            "MPI_Isend");
    });
  }
  void receive(Parcel parcel) override {
    in_.begin(parcel, [&](std::span<std::byte> bytes, MPI_Request& request) {
      check(MPI_Irecv(bytes.data(), to_count(bytes.size()), MPI_BYTE, ring_.previous, kTag,
                      ring_.communicator, &request),
            "MPI_Irecv");
    });
  }
  std::uint64_t sent() override { return out_.test(); }
  std::uint64_t received() override { return in_.test(); }

 private:
  const Impl& ring_;
  Channel out_;
  Channel in_;
};

MpiRing::MpiRing(int next, int previous) : impl_{std::make_unique<Impl>()} {
  impl_->next = next;
  impl_->previous = previous;
  const Waiting waiting{"all ranks in MPI_Comm_dup"};
  const MpiTurn turn;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &impl_->communicator), "MPI_Comm_dup");
}

MpiRing::~MpiRing() = default;

std::unique_ptr<RingLink> MpiRing::link() { return std::make_unique<Link>(*impl_); }

}  // namespace factorps::comm
