/// comm/ over real MPI, at several rank counts.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <numeric>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>

#include "comm/activity_board.hpp"
#include "comm/agreement.hpp"
#include "comm/borrowed_cores.hpp"
#include "comm/clock_offset.hpp"
#include "comm/mpi_ring.hpp"
#include "comm/mpi_transport.hpp"
#include "comm/shared_memory.hpp"
#include "comm/signs_of_life.hpp"
#include "common/error.hpp"
#include "common/waiter.hpp"
#include "tests/mpi/mpi_overlaps.hpp"
#include "tests/support/mpi_test_main.hpp"

namespace factorps::comm {
namespace {

using test::environment;
using Bytes = std::vector<std::byte>;

/// Bytes that every rank can compute for every other.
Bytes bytes_of(int rank, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t n = 0; n < size; ++n) {
    bytes[n] = static_cast<std::byte>((n * 31 + n / 1000 + static_cast<std::size_t>(rank)) % 251);
  }
  return bytes;
}

/// Where this thread may run.
cpu_set_t allowed_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  EXPECT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
  return cores;
}

/// The one of `cores` that a launcher would give this rank: they get them in turn.
cpu_set_t core_of_rank(const cpu_set_t& cores) {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  int turn = environment().rank() % CPU_COUNT(&cores);
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores) && turn-- == 0) CPU_SET(core, &mine);
  }
  return mine;
}

constexpr std::size_t kMiB = std::size_t{1} << 20;  // a chunk of gather() and broadcast()

TEST(Environment, NamesAHostForEveryRank) {
  EXPECT_TRUE(environment().launched());
  ASSERT_EQ(environment().hosts().size(), static_cast<std::size_t>(environment().size()));
  for (const auto& host : environment().hosts()) EXPECT_EQ(host, environment().hosts()[0]);
}

TEST(ClockOffset, IsWithinItsErrorOnOneMachine) {
  const ClockOffset trusted = clock_offset(environment());
  EXPECT_EQ(trusted.seconds, 0.0);
  EXPECT_EQ(trusted.error_seconds, 0.0);
  const ClockOffset measured = clock_offset(environment(), SameHost::measure);
  EXPECT_LE(std::abs(measured.seconds), measured.error_seconds);  // all read one clock
  EXPECT_EQ(measured.error_seconds > 0, environment().rank() > 0);
}

TEST(BorrowedCores, AreThoseOfAllRanksAndGoBack) {
  const cpu_set_t before = allowed_cores();
  const cpu_set_t mine = core_of_rank(before);
  ASSERT_EQ(sched_setaffinity(0, sizeof mine, &mine), 0);
  cpu_set_t all;
  CPU_ZERO(&all);
  for (const Bytes& set : environment().gather(std::as_bytes(std::span{&mine, 1}))) {
    CPU_OR(&all, &all, reinterpret_cast<const cpu_set_t*>(set.data()));
  }
  {
    const BorrowedCores borrowed{environment()};
    const cpu_set_t now = allowed_cores();
    const auto threads = static_cast<int>(borrowed.threads());
    EXPECT_EQ(environment().minimum(threads), threads);
    if (environment().rank() == 0) {
      EXPECT_EQ(threads, CPU_COUNT(&all));  // no more cores than ranks
      EXPECT_TRUE(CPU_EQUAL(&now, &all));
    } else {
      EXPECT_TRUE(CPU_EQUAL(&now, &mine));
    }
  }
  const cpu_set_t after = allowed_cores();
  EXPECT_TRUE(CPU_EQUAL(&after, &mine));
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Environment, GathersBytesOfAnySize) {
  // Sizes differ by rank; some are empty, some just above or at whole chunks.
  for (const std::size_t base : {std::size_t{0}, std::size_t{1}, kMiB - 1, kMiB, 2 * kMiB + 5}) {
    const auto size_of = [&](int rank) { return base * static_cast<std::size_t>(rank % 3); };
    const int rank = environment().rank();
    const auto all = environment().gather(bytes_of(rank, size_of(rank)));
    if (rank != 0) {
      EXPECT_TRUE(all.empty());
      continue;
    }
    ASSERT_EQ(all.size(), static_cast<std::size_t>(environment().size()));
    for (int r = 0; r < environment().size(); ++r) {
      EXPECT_TRUE(all[static_cast<std::size_t>(r)] == bytes_of(r, size_of(r))) << base << ' ' << r;
    }
  }
}

TEST(Environment, BroadcastsBytesOfAnySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMiB - 1, kMiB, 2 * kMiB + 5}) {
    const int rank = environment().rank();
    Bytes bytes = rank == 0 ? bytes_of(7, size) : bytes_of(rank, 10);
    environment().broadcast(bytes);
    EXPECT_TRUE(bytes == bytes_of(7, size)) << size;
  }
}

TEST(Environment, FindsTheMinimum) {
  EXPECT_EQ(environment().minimum(10 - environment().rank()), 11 - environment().size());
}

Envelope receive(Transport& link) {
  Waiter waiter{30};
  while (true) {
    if (auto envelope = link.poll()) return std::move(*envelope);
    waiter.pause("a message");
  }
}

void finish(MpiHub& hub) {
  Waiter waiter{30};
  while (!hub.drain()) waiter.pause("the last sends");
  environment().barrier();
}

TEST(ActivityBoard, ShowsMainThreadsThenThoseBeside) {
  ActivityBoard board{environment(), 60};
  const int rank = environment().rank();
  board.mine().enter("main", 1000 + rank);
  if (rank % 2 == 0) board.beside().enter("writer", 2000 + rank);
  environment().barrier();
  const std::vector<ActivitySeen> seen = board.see();
  const auto ranks = static_cast<std::size_t>(environment().size());
  ASSERT_EQ(seen.size(), ranks + (ranks + 1) / 2);
  for (std::size_t n = 0; n < seen.size(); ++n) {
    const bool main = n < ranks;
    const int of = static_cast<int>(main ? n : 2 * (n - ranks));
    EXPECT_EQ(seen[n].rank, of);
    EXPECT_EQ(seen[n].process, (main ? 1000 : 2000) + of);
    EXPECT_EQ(seen[n].beside, !main);
    EXPECT_TRUE(seen[n].lives);
  }
  environment().barrier();
}

/// Two roles on every rank: role r and role size + r live on rank r.
TEST(MpiHub, DeliversBetweenAllRolesInOrder) {
  const int ranks = environment().size();
  const int rank = environment().rank();
  std::vector<int> rank_of_role(static_cast<std::size_t>(2 * ranks));
  for (int role = 0; role < 2 * ranks; ++role) {
    rank_of_role[static_cast<std::size_t>(role)] = role % ranks;
  }
  MpiHub hub{environment(), rank_of_role};
  const std::unique_ptr<Transport> links[]{hub.link(rank), hub.link(ranks + rank)};
  constexpr unsigned kMessages = 20;
  for (unsigned n = 0; n < kMessages; ++n) {
    for (int to = 0; to < 2 * ranks; ++to) {
      for (const auto& link : links) link->send(to, Tag::progress, {std::byte(n), std::byte(to)});
    }
  }
  for (int k = 0; k < 2; ++k) {
    const int own = k * ranks + rank;
    std::vector<unsigned> next(static_cast<std::size_t>(2 * ranks), 0);
    for (unsigned got = 0; got < kMessages * 2 * static_cast<unsigned>(ranks); ++got) {
      const Envelope envelope = receive(*links[k]);
      EXPECT_EQ(envelope.tag, Tag::progress);
      const unsigned n = next.at(static_cast<std::size_t>(envelope.from))++;
      ASSERT_EQ(envelope.body, (Bytes{std::byte(n), std::byte(own)}));
    }
  }
  finish(hub);
}

TEST(MpiHub, KeepsTagsAndLargeAndEmptyBodies) {
  const int ranks = environment().size();
  const int rank = environment().rank();
  std::vector<int> rank_of_role(static_cast<std::size_t>(ranks));
  std::iota(rank_of_role.begin(), rank_of_role.end(), 0);
  MpiHub hub{environment(), rank_of_role};
  const auto link = hub.link(rank);
  const int to = (rank + 1) % ranks;
  const int from = (rank + ranks - 1) % ranks;
  link->send(to, Tag::shutdown, {});
  link->send(to, Tag::command_done, bytes_of(rank, 3 * kMiB));  // beyond any eager limit
  const Envelope first = receive(*link);
  EXPECT_EQ(first.from, from);
  EXPECT_EQ(first.tag, Tag::shutdown);
  EXPECT_TRUE(first.body.empty());
  const Envelope second = receive(*link);
  EXPECT_EQ(second.tag, Tag::command_done);
  EXPECT_TRUE(second.body == bytes_of(from, 3 * kMiB));
  finish(hub);
}

/// Rank 0 and each of the others.
std::vector<int> peers() {
  if (environment().rank() != 0) return {0};
  std::vector<int> others(static_cast<std::size_t>(environment().size() - 1));
  std::iota(others.begin(), others.end(), 1);
  return others;
}

std::vector<Sign> hear(SignsOfLife& signs) { return signs.hear().value_or(std::vector<Sign>{}); }

/// A thread that says again and again what its rank is, and hears the peers.
class Talk {
 public:
  explicit Talk(SignsOfLife& signs) : signs_{signs}, heard_(peers().size()) {}
  ~Talk() { thread_ = {}; }

  /// Waits without MPI until every peer has been heard so many times more.
  void await(unsigned times) {
    std::vector<unsigned> wanted;
    for (const auto& one : heard_) wanted.push_back(one.load() + times);
    Waiter waiter{30};
    const auto enough = [&] {
      return std::ranges::equal(heard_, wanted, std::ranges::greater_equal{},
                                [](const auto& one) { return one.load(); });
    };
    while (!enough()) waiter.pause("the peers");
  }

 private:
  void run(const std::stop_token& stop) {
    const std::string words = "rank " + std::to_string(environment().rank());
    while (!stop.stop_requested()) {
      signs_.say(words);
      for (const Sign& sign : hear(signs_)) {
        EXPECT_EQ(sign.words, "rank " + std::to_string(peers()[sign.peer]));
        EXPECT_FALSE(sign.leaves);
        ++heard_[sign.peer];
      }
      std::this_thread::yield();
    }
  }

  SignsOfLife& signs_;
  std::deque<std::atomic<unsigned>> heard_;  // [peer]
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};
};

TEST(SignsOfLife, AreHeardWhileMainThreadsAreAwayAndWhileTheyTalk) {
  if (environment().size() == 1) GTEST_SKIP() << "nobody to talk to";
  SignsOfLife signs{environment(), peers()};
  std::optional<Talk> talk{signs};
  talk->await(3);
  environment().barrier();  // the thread of the last one must go on talking until then
  std::vector<int> rank_of_role(static_cast<std::size_t>(environment().size()));
  std::iota(rank_of_role.begin(), rank_of_role.end(), 0);
  MpiHub hub{environment(), rank_of_role};
  const auto link = hub.link(environment().rank());
  for (int round = 0; round < 200; ++round) {
    const int next = (environment().rank() + 1) % environment().size();
    const int before = (environment().rank() + environment().size() - 1) % environment().size();
    link->send(next, Tag::rows, bytes_of(environment().rank(), 100'000));
    EXPECT_EQ(receive(*link).body, bytes_of(before, 100'000));
  }
  finish(hub);
  {
    MpiRing ring{(environment().rank() + 1) % environment().size(),
                 (environment().rank() + environment().size() - 1) % environment().size()};
    Bytes there = bytes_of(environment().rank(), kMiB);
    Bytes here(kMiB);
    const auto ends = ring.link();
    ends->receive({here});
    ends->send({there});
    Waiter waiter{30};
    while (ends->received() + ends->sent() < 2) waiter.pause("a parcel");
  }
  const auto all = environment().gather(bytes_of(environment().rank(), 5 * kMiB));
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    EXPECT_EQ(all[rank], bytes_of(static_cast<int>(rank), 5 * kMiB));
  }
  talk->await(1);
  environment().barrier();
  talk.reset();
  EXPECT_EQ(test::overlaps_in_mpi(), 0);
  environment().barrier();  // before the first one leaves
}

TEST(SignsOfLife, LeaveOutLinesOfWhatIsTooLongAndSayWhoLeaves) {
  SignsOfLife signs{environment(), peers()};
  std::vector<std::size_t> lengths(peers().size());
  std::string words;
  while (words.size() < 10'000) words += std::string(999, 'x') + '\n';
  Waiter waiter{30};
  signs.say(words);
  while (std::ranges::count(lengths, 0) > 0) {
    for (const Sign& sign : hear(signs)) lengths[sign.peer] = sign.words.size();
    waiter.pause("all to speak");
  }
  for (const std::size_t length : lengths) EXPECT_EQ(length, 3000U);
  environment().barrier();
  if (environment().rank() != 0) return;
  std::size_t left = 0;
  while (left < peers().size()) {
    for (const Sign& sign : hear(signs)) left += sign.leaves ? 1 : 0;
    waiter.pause("all to leave");
  }
}

TEST(FirstProblem, IsToldOnEveryRank) {
  EXPECT_EQ(first_problem(environment(), ""), "");
  const int rank = environment().rank();
  const int last = environment().size() - 1;
  const std::string mine = "rank " + std::to_string(rank);
  EXPECT_EQ(first_problem(environment(), mine), "rank 0");
  EXPECT_EQ(first_problem(environment(), rank == last ? mine : ""), "rank " + std::to_string(last));
}

TEST(SharedMemory, IsZeroedAlignedAndTheSameOnEveryRank) {
  constexpr std::size_t kSize = 3 * 4096 + 17;
  for (int round = 0; round < 2; ++round) {  // a second window must be clean again
    const SharedMemory memory{environment(), 0, environment().size(), kSize, kSize};
    ASSERT_EQ(memory.bytes().size(), kSize);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.bytes().data()) % 4096, 0U);
    EXPECT_TRUE(std::ranges::all_of(memory.bytes(), [](std::byte b) { return b == std::byte{0}; }));
    environment().barrier();
    const auto ranks = static_cast<std::size_t>(environment().size());
    for (auto n = static_cast<std::size_t>(environment().rank()); n < kSize; n += ranks) {
      memory.bytes()[n] = std::byte(1 + n % 200);
    }
    environment().barrier();
    for (std::size_t n = 0; n < kSize; ++n) ASSERT_EQ(memory.bytes()[n], std::byte(1 + n % 200));
    environment().barrier();
  }
}

TEST(SharedMemory, RefusesOnEveryRankWhatTheMountCannotHold) {
  if (environment().size() == 1) GTEST_SKIP() << "one rank needs no shared memory";
  try {
    constexpr std::size_t kPetabyte = std::size_t{1} << 50;
    const SharedMemory memory{environment(), 0, environment().size(), kPetabyte, kPetabyte};
    FAIL() << "a PiB was granted";
  } catch (const ResourceError& error) {
    EXPECT_NE(std::string{error.what()}.find("/dev/shm: the tables need 11258999"),
              std::string::npos)
        << error.what();
  }
}

TEST(SharedMemory, SaysOnEveryRankWhatOneOfThemMisses) {
  if (environment().size() == 1) GTEST_SKIP() << "one rank needs no shared memory";
  constexpr std::size_t kPetabyte = std::size_t{1} << 50;
  const bool last = environment().rank() == environment().size() - 1;
  try {
    const SharedMemory memory{environment(), 0, environment().size(), 1, last ? kPetabyte : 1};
    FAIL() << "a PiB was granted";
  } catch (const ResourceError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("/dev/shm: the tables need 1125899906842624 bytes"), std::string::npos)
        << message;
    EXPECT_EQ(message.find(" 0 are missing"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace factorps::comm
