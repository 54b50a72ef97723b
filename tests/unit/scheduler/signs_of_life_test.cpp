/// Who is silent for too long in a pass. The clock is tests/support/fake_clock.cpp.
#include <gtest/gtest.h>

#include "comm/local_transport.hpp"
#include "common/error.hpp"
#include "common/silence.hpp"
#include "ps/server.hpp"
#include "scheduler/cluster.hpp"

namespace factorps::scheduler {
namespace {

using comm::Tag;

TEST(ASilence, CountsTheTimeInWhichWhoListensIsAwake) {
  Silence silence;
  for (int n = 0; n < 30; ++n) {
    sleep(Seconds{0.1});
    static_cast<void>(silence.look());
  }
  EXPECT_NEAR(silence.look(), 3, 1e-9);
  sleep(Seconds{3600});  // the whole job was stopped
  EXPECT_NEAR(silence.look(), 3.25, 1e-9);

  silence.heard(SignOfLife::silent_now);
  sleep(Seconds{0.1});
  EXPECT_EQ(silence.look(), 0);
  silence.heard();
  sleep(Seconds{0.1});
  EXPECT_NEAR(silence.look(), 0.1, 1e-9);
}

/// Two servers (roles 1 and 2) and a worker (role 3), played by the test.
class AClusterThatListens : public testing::Test {
 protected:
  AClusterThatListens() {
    for (int role = 0; role < 4; ++role) links_.push_back(hub_.link(role));
  }
  void say(int role) {
    links_[static_cast<std::size_t>(role)]->send(0, Tag::progress,
                                                 {static_cast<std::byte>(SignOfLife::here)});
  }
  /// @return the error of a pass whose roles do nothing but `speak`
  std::string error_of(comm::StartPass pass, const std::function<void()>& speak) {
    Cluster cluster{*links_[0], 2, 1, 3, 60, [&] {
                      sleep(Seconds{0.01});
                      speak();
                      return false;
                    }};
    cluster.listen(15, {"server 0 (rank 1 on a)", "server 1 (rank 2 on b)"});
    try {
      static_cast<void>(cluster.run_pass(pass, [](std::uint64_t) {}));
    } catch (const ResourceError& error) {
      return error.what();
    }
    return "none";
  }

  comm::LocalHub hub_{4};
  std::vector<std::unique_ptr<comm::Transport>> links_;
};

TEST_F(AClusterThatListens, NamesTheServerThatIsSilentAndSpeaksToAll) {
  EXPECT_EQ(error_of({}, [&] { say(1); }),
            "server 1 (rank 2 on b) has said nothing for 15 s (cluster.watchdog_seconds): it "
            "stands still, or its machine, or the network");
  for (const std::size_t role : {1U, 2U}) {
    int signs = 0;
    while (const auto envelope = links_[role]->poll()) signs += envelope->tag == Tag::progress;
    EXPECT_GE(signs, 13);
    EXPECT_LE(signs, 15);
  }
  EXPECT_EQ(links_[3]->poll()->tag, Tag::start_pass);
  EXPECT_FALSE(links_[3]->poll());  // workers have no time to listen
}

TEST_F(AClusterThatListens, LetsServersBeSilentWhileTheyListRows) {
  comm::StartPass pass;
  pass.kind = comm::PassKind::index_rows;
  EXPECT_EQ(error_of(pass, [] {}).find("waited 60 s for the end of pass 0"), 0U);
}

/// A shard that never gets ready.
class Unready : public ps::ShardStore {
 public:
  void begin(const comm::StartPass&) override {}
  bool step() override { return false; }
  [[nodiscard]] bool finished() const override { return false; }
  void receive(comm::Envelope) override {}
  [[nodiscard]] ps::Share strips() const override { return {}; }
  [[nodiscard]] ps::CellSums sums_of(StripId) const override { return {}; }
  [[nodiscard]] ps::Traffic traffic() const override { return {}; }
  void initialise() override {}
  [[nodiscard]] std::vector<ShardPart> parts(std::uint32_t) const override { return {}; }
  void load(ShardReader&, std::uint32_t) override {}
  [[nodiscard]] std::string write_model(const comm::Command&) const override { return {}; }
};

class AServerThatListens : public testing::Test {
 protected:
  AServerThatListens() { server_.listen(15, "the scheduler (rank 0 on a)"); }
  void say(SignOfLife sign) { scheduler_->send(1, Tag::progress, {static_cast<std::byte>(sign)}); }
  /// Lets so many seconds pass. @return how often the server said that it is there
  int wait(double seconds, bool speak) {
    int signs = 0;
    for (double time = 0; time < seconds; time += 0.1) {
      if (speak) say(SignOfLife::here);
      sleep(Seconds{0.1});
      while (server_.step()) continue;
      while (const auto envelope = scheduler_->poll()) signs += envelope->tag == Tag::progress;
    }
    return signs;
  }

  comm::LocalHub hub_{2};
  std::unique_ptr<comm::Transport> scheduler_ = hub_.link(0);
  std::unique_ptr<comm::Transport> link_ = hub_.link(1);
  ps::Server server_{*link_, 0, std::make_unique<Unready>()};
};

TEST_F(AServerThatListens, SaysInPassesThatItIsThereAndNoticesASilentScheduler) {
  EXPECT_EQ(wait(60, false), 0);  // between passes the scheduler may do what it likes
  scheduler_->send(1, Tag::start_pass, comm::encode(comm::StartPass{}));
  EXPECT_GE(wait(60, true), 50);
  say(SignOfLife::silent_now);
  EXPECT_GE(wait(60, false), 50);
  say(SignOfLife::here);
  static_cast<void>(wait(14, false));
  EXPECT_THROW(static_cast<void>(wait(2, false)), ResourceError);
}

}  // namespace
}  // namespace factorps::scheduler
