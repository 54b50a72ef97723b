#include "comm/clock_offset.hpp"

#include <limits>

#include "comm/mpi_check.hpp"
#include "comm/mpi_turn.hpp"
#include "common/timer.hpp"
#include "common/waiter.hpp"

namespace factorps::comm {
namespace {

constexpr int kRounds = 50;
constexpr int kTag = 1;

double now() { return Seconds{Clock::now().time_since_epoch()}.count(); }

void send(double value, int to) {
  const MpiTurn turn;
  check(MPI_Send(&value, 1, MPI_DOUBLE, to, kTag, MPI_COMM_WORLD), "MPI_Send");
}
double receive(int from) {
  const MpiTurn turn;
  double value = 0;
  check(MPI_Recv(&value, 1, MPI_DOUBLE, from, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "MPI_Recv");
  return value;
}

/// Until rank 0 has come to this rank: it may take a while, and MPI would spin.
void await_first() {
  Waiter waiter{std::numeric_limits<double>::infinity()};
  for (int found = 0;; waiter.pause("rank 0")) {
    const MpiTurn turn;
    check(MPI_Iprobe(0, kTag, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE), "MPI_Iprobe");
    if (found != 0) return;
  }
}

/// On rank 0.
ClockOffset ask(int rank) {
  double shortest = std::numeric_limits<double>::infinity();
  ClockOffset best;
  for (int round = 0; round < kRounds; ++round) {
    const double before = now();
    send(before, rank);
    const double theirs = receive(rank);
    const double after = now();
    if (after - before >= shortest) continue;
    shortest = after - before;
    best = {theirs - (before + after) / 2, shortest / 2};
  }
  send(best.seconds, rank);
  send(best.error_seconds, rank);
  return best;
}

ClockOffset answer() {
  await_first();
  for (int round = 0; round < kRounds; ++round) {
    static_cast<void>(receive(0));
    send(now(), 0);
  }
  const double seconds = receive(0);
  return {seconds, receive(0)};
}

}  // namespace

ClockOffset clock_offset(const Environment& environment, SameHost same_host) {
  const auto& hosts = environment.hosts();
  const auto measured = [&](int rank) {
    return rank > 0 && (same_host == SameHost::measure ||
                        hosts[static_cast<std::size_t>(rank)] != hosts.front());
  };
  if (environment.rank() != 0) return measured(environment.rank()) ? answer() : ClockOffset{};
  for (int rank = 1; rank < environment.size(); ++rank) {
    if (measured(rank)) static_cast<void>(ask(rank));
  }
  return {};
}

}  // namespace factorps::comm
