#include "scheduler/cluster.hpp"

#include <gtest/gtest.h>

#include "comm/local_transport.hpp"
#include "common/error.hpp"

namespace factorps::scheduler {
namespace {

using comm::Tag;

/// Two servers (roles 1 and 2), one worker (role 3); the test plays them in the pump.
class ClusterOf : public testing::Test {
 protected:
  ClusterOf() {
    for (int role = 0; role < 4; ++role) links_.push_back(hub_.link(role));
  }
  Cluster cluster(Cluster::Pump pump, double timeout = 10) {
    return {*links_[0], 2, 1, 3, timeout, std::move(pump)};
  }
  template <class Message>
  void answer(int role, Tag tag, const Message& message) {
    links_[static_cast<std::size_t>(role)]->send(0, tag, comm::encode(message));
  }
  comm::StripsDone strips(std::vector<std::uint32_t> strips, double first) {
    comm::StripsDone done;
    for (const std::uint32_t s : strips) {
      for (std::size_t k = 0; k < comm::kSumsPerStrip; ++k) done.sums.push_back(first + s);
    }
    done.strips = std::move(strips);
    done.memory = {-1, 100};
    return done;
  }
  /// Runs the action once, when the cluster first waits.
  static Cluster::Pump once(std::function<void()> action) {
    return [action = std::move(action), done = false]() mutable {
      if (done) return false;
      done = true;
      action();
      return true;
    };
  }

  comm::LocalHub hub_{4};
  std::vector<std::unique_ptr<comm::Transport>> links_;
};

TEST_F(ClusterOf, AddsStripsInAscendingOrderWhoeverIsFirst) {
  // In this order the doubles add up to 1; in the order of arrival, 1e20 + 1 - 1e20, to 0.
  auto cluster = this->cluster(once([this] {
    comm::StripsDone late = strips({0, 1}, 0);
    std::fill_n(late.sums.begin(), 8, 1e20);
    std::fill_n(late.sums.begin() + 8, 8, -1e20);
    answer(2, Tag::strips_done, strips({2}, -1));
    answer(3, Tag::progress, comm::Progress{0, 5});
    answer(3, Tag::worker_done, comm::WorkerDone{0, 1, 7, 0, 0, 0, 0, {}, {-2, 10}});
    answer(1, Tag::strips_done, late);
  }));
  std::vector<std::uint64_t> progress;
  const PassResult result =
      cluster.run_pass({}, [&](std::uint64_t done) { progress.push_back(done); });
  for (const double sum : result.sums) EXPECT_EQ(sum, 1);
  EXPECT_EQ(progress, std::vector<std::uint64_t>{5});
  ASSERT_EQ(result.workers.size(), 1U);
  EXPECT_EQ(result.workers[0].interactions, 7U);
  EXPECT_GT(result.memory.bytes, 110U);  // and this process
  EXPECT_LT(result.memory.bytes, std::uint64_t{1} << 32);
}

TEST_F(ClusterOf, NumbersPassesFromZeroForEveryRole) {
  std::uint64_t pass = 0;
  auto cluster = this->cluster([&] {
    for (const std::size_t role : {1U, 2U, 3U}) {
      const auto envelope = links_[role]->poll();
      if (!envelope) return false;
      const auto start = comm::decode<comm::StartPass>(envelope->body);
      EXPECT_EQ(start.pass, pass);
      EXPECT_EQ(start.learning_rate_factor, 0.5F);
    }
    answer(1, Tag::strips_done, strips({0, 1}, 0));
    answer(2, Tag::strips_done, strips({2}, 0));
    answer(3, Tag::worker_done, comm::WorkerDone{});
    return true;
  });
  for (; pass < 3; ++pass) {
    comm::StartPass start;
    start.learning_rate_factor = 0.5F;
    static_cast<void>(cluster.run_pass(start, [](std::uint64_t) {}));
  }
  EXPECT_GT(cluster.message_bytes(), 0U);
}

TEST_F(ClusterOf, ReturnsTheRepliesOfAllServers) {
  auto cluster = this->cluster(once([this] {
    comm::CommandDone second;
    second.digest = "two";
    answer(2, Tag::command_done, second);
    answer(1, Tag::command_done, comm::CommandDone{});
  }));
  const auto replies = cluster.run({});
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[1].digest, "two");
}

template <class Expected>
void expect_error(Cluster& cluster, const std::string& text) {
  try {
    static_cast<void>(cluster.run({}));
    ADD_FAILURE() << "nothing thrown";
  } catch (const Expected& error) {
    EXPECT_STREQ(error.what(), text.c_str());
  }
}

TEST_F(ClusterOf, ThrowsTheErrorOfAServerAgain) {
  const auto failing = [this](ExitCode code) {
    return cluster(once([this, code] {
      answer(1, Tag::command_done, comm::CommandDone{});
      answer(2, Tag::command_done,
             comm::CommandDone{{}, {}, "", "disk on fire", static_cast<int>(code)});
    }));
  };
  auto data = failing(ExitCode::data);
  expect_error<DataError>(data, "disk on fire");
  auto checkpoint = failing(ExitCode::checkpoint);
  expect_error<CheckpointError>(checkpoint, "disk on fire");
  auto resources = failing(ExitCode::resources);
  expect_error<ResourceError>(resources, "disk on fire");
  auto usage = failing(ExitCode::usage);
  expect_error<ConfigError>(usage, "disk on fire");
  auto internal = failing(ExitCode::internal);
  expect_error<Error>(internal, "disk on fire");
}

TEST_F(ClusterOf, GivesUpWaitingAfterTheTimeout) {
  auto cluster = this->cluster([] { return false; }, 0.05);
  try {
    static_cast<void>(cluster.run_pass({}, [](std::uint64_t) {}));
    ADD_FAILURE();
  } catch (const ResourceError& error) {
    EXPECT_NE(std::string{error.what()}.find("the end of pass 0"), std::string::npos);
  }
}

TEST_F(ClusterOf, RefusesMessagesThatBreakTheProtocol) {
  const auto pass_with = [this](std::function<void()> action) {
    auto cluster = this->cluster(once(std::move(action)));
    static_cast<void>(cluster.run_pass({}, [](std::uint64_t) {}));
  };
  EXPECT_THROW(pass_with([this] { answer(1, Tag::command_done, comm::CommandDone{}); }),
               ProtocolError);
  EXPECT_THROW(pass_with([this] {
                 comm::StripsDone wrong = strips({0}, 0);
                 wrong.sums.pop_back();
                 answer(1, Tag::strips_done, wrong);
               }),
               ProtocolError);
  auto command = cluster(once([this] { answer(1, Tag::strips_done, strips({0}, 0)); }));
  EXPECT_THROW(static_cast<void>(command.run({})), ProtocolError);
}

TEST_F(ClusterOf, ShutsEveryRoleDown) {
  auto cluster = this->cluster([] { return false; });
  cluster.shutdown();
  for (const std::size_t role : {1U, 2U, 3U}) EXPECT_EQ(links_[role]->poll()->tag, Tag::shutdown);
}

}  // namespace
}  // namespace factorps::scheduler
