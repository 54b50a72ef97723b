#include "comm/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <limits>

#include <unistd.h>

#include "comm/mpi_check.hpp"
#include "comm/mpi_turn.hpp"
#include "common/deadline.hpp"
#include "common/waiter.hpp"

namespace factorps::comm {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;  // bytes; the fastest size on most networks
constexpr int kTag = 0;
constexpr double kPartingSeconds = 60;

/// Begins a call and waits for its end, without taking time from the ranks that work: blocking
/// calls of MPI spin. @param begin (request) -> code of MPI
template <class Begin>
void complete(const char* call, Begin&& begin) {
  MPI_Request request = MPI_REQUEST_NULL;
  const auto is_done = [&] {
    const MpiTurn turn;
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    return done != 0;
  };
  {
    const MpiTurn turn;
    check(begin(&request), call);
  }
  Waiter waiter{std::numeric_limits<double>::infinity()};
  const auto what = [call] { return std::string{"another rank in "} + call; };
  while (!is_done()) waiter.pause(what);
  waiter.progress();
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

void send_chunks(std::span<const std::byte> bytes, int to) {
  for (std::size_t from = 0; from < bytes.size(); from += kChunk) {
    const auto part = bytes.subspan(from, std::min(kChunk, bytes.size() - from));
    complete("MPI_Isend", [&](MPI_Request* request) {
      return MPI_Isend(part.data(), to_count(part.size()), MPI_BYTE, to, kTag, MPI_COMM_WORLD,
                       request);
    });
  }
}

void receive_chunks(std::span<std::byte> bytes, int from) {
  for (std::size_t at = 0; at < bytes.size(); at += kChunk) {
    const auto part = bytes.subspan(at, std::min(kChunk, bytes.size() - at));
    complete("MPI_Irecv", [&](MPI_Request* request) {
      return MPI_Irecv(part.data(), to_count(part.size()), MPI_BYTE, from, kTag, MPI_COMM_WORLD,
                       request);
    });
  }
}

void broadcast_piece(std::span<std::byte> bytes) {
  complete("MPI_Ibcast", [&](MPI_Request* request) {
    return MPI_Ibcast(bytes.data(), to_count(bytes.size()), MPI_BYTE, 0, MPI_COMM_WORLD, request);
  });
}

std::vector<std::uint64_t> gather_sizes(std::uint64_t mine, int ranks) {
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(ranks));
  complete("MPI_Igather", [&](MPI_Request* request) {
    return MPI_Igather(&mine, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, 0, MPI_COMM_WORLD,
                       request);
  });
  return sizes;
}

}  // namespace

Environment::Environment(bool launched) : launched_{launched}, hosts_{host_name()} {
  if (!launched_) return;
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  takes_turns_ = provided >= MPI_THREAD_SERIALIZED;
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
  std::array<char, 256> mine{};
  hosts_.front().copy(mine.data(), mine.size() - 1);
  std::vector<std::array<char, 256>> all(static_cast<std::size_t>(size_));
  check(MPI_Allgather(mine.data(), 256, MPI_CHAR, all.data(), 256, MPI_CHAR, MPI_COMM_WORLD),
        "MPI_Allgather");
  hosts_.clear();
  for (const auto& name : all) hosts_.emplace_back(name.data());
}

Environment::~Environment() {
  if (!launched_ || std::uncaught_exceptions() > 0) return;
  try {
    barrier();  // MPI_Finalize spins until every rank has come
  } catch (const std::exception&) {
    // The destructor has nobody to tell; MPI_Finalize reports what is left to report.
  }
  // All are here: the rest is a matter of moments, or of never.
  const Deadline deadline{kPartingSeconds, "all ranks to part in MPI_Finalize"};
  MPI_Finalize();
}

void Environment::abort(int exit_code) const noexcept {
  if (launched_) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

void Environment::barrier() const {
  if (!launched_) return;
  complete("MPI_Ibarrier",
           [](MPI_Request* request) { return MPI_Ibarrier(MPI_COMM_WORLD, request); });
}

std::vector<std::vector<std::byte>> Environment::gather(std::span<const std::byte> mine) const {
  std::vector<std::vector<std::byte>> all;
  if (rank_ == 0) all.emplace_back(mine.begin(), mine.end());
  if (!launched_) return all;
  const auto sizes = gather_sizes(mine.size(), size_);
  if (rank_ != 0) {
    send_chunks(mine, 0);
    return all;
  }
  for (int from = 1; from < size_; ++from) {
    all.emplace_back(sizes[static_cast<std::size_t>(from)]);
    receive_chunks(all.back(), from);
  }
  return all;
}

void Environment::broadcast(std::vector<std::byte>& bytes) const {
  if (!launched_) return;
  std::uint64_t size = bytes.size();
  broadcast_piece({reinterpret_cast<std::byte*>(&size), sizeof size});
  bytes.resize(size);
  for (std::size_t at = 0; at < bytes.size(); at += kChunk) {
    broadcast_piece(std::span{bytes}.subspan(at, std::min(kChunk, bytes.size() - at)));
  }
}

int Environment::minimum(int mine) const {
  int least = mine;
  if (!launched_) return least;
  complete("MPI_Iallreduce", [&](MPI_Request* request) {
    return MPI_Iallreduce(&mine, &least, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, request);
  });
  return least;
}

void Environment::sum(std::span<std::uint16_t> values) const {
  if (!launched_) return;
  complete("MPI_Iallreduce", [&](MPI_Request* request) {
    return MPI_Iallreduce(MPI_IN_PLACE, values.data(), to_count(values.size()), MPI_UINT16_T,
                          MPI_SUM, MPI_COMM_WORLD, request);
  });
}

}  // namespace factorps::comm
