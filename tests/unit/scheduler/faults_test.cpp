/// A job over a bad network. The clock is tests/support/fake_clock.cpp: deadlines pass at once.
#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/scheduler/local_job.hpp"

namespace factorps::scheduler {
namespace {

using comm::MessageFaults;
using comm::RoleId;
using comm::Tag;
using test::LocalJob;
using test::Loss;

constexpr test::SyntheticShape kShape{60, 40, 6, 7, 12, 1};

class JobWithFaults : public testing::Test {
 protected:
  /// Three nodes: roles 1 to 3 serve, 4 to 7 work.
  [[nodiscard]] LocalJob job(MessageFaults faults, std::uint32_t ring_delay = 0) const {
    return {dataset_,
            LocalJob::layout_of({2, 3, 2}),
            2,
            ring_delay,
            ps::WireFormat::fp32,
            ps::LeaseMode::dense,
            std::nullopt,
            std::nullopt,
            std::move(faults)};
  }
  /// Trains three epochs. @return the sums of each
  static auto train(LocalJob& job) {
    job.cluster().run({comm::CommandKind::initialise, {}, {}});
    std::vector<std::array<double, comm::kSumsPerStrip>> sums;
    for (int epoch = 0; epoch < 3; ++epoch) {
      sums.push_back(job.cluster().run_pass({}, [](std::uint64_t) {}).sums);
    }
    return sums;
  }
  /// What a training ends with.
  template <class Expected>
  static void expect_end(LocalJob& job, const std::string& text) {
    try {
      static_cast<void>(train(job));
      ADD_FAILURE() << "nothing thrown; expected " << text;
    } catch (const Expected& error) {
      EXPECT_NE(std::string{error.what()}.find(text), std::string::npos) << error.what();
    }
  }

  test::TemporaryDirectory directory_;
  Dataset dataset_{test::write_synthetic(directory_ / "data.h5", kShape)};
};

TEST_F(JobWithFaults, ComputesTheSameHoweverLateMessagesAndBlocksAre) {
  LocalJob good = job({});
  const auto expected = train(good);
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (const std::uint32_t delay : {1U, 3U, 50U}) {
      LocalJob late = job({delay, seed, {}}, static_cast<std::uint32_t>(seed) * 7);
      EXPECT_EQ(train(late), expected) << "seed " << seed << ", delay " << delay;
    }
  }
}

/// The n-th message of this kind between two roles; -1: whoever.
auto nth(Tag tag, int n, RoleId from = -1, RoleId to = -1) {
  return [=](RoleId f, RoleId t, Tag g) mutable {
    return g == tag && (from < 0 || f == from) && (to < 0 || t == to) && n-- == 0;
  };
}

TEST_F(JobWithFaults, EndsAtTheDeadlineWhenAMessageIsLost) {
  struct Case {
    std::function<bool(RoleId, RoleId, Tag)> lost;
    std::string waited_for;
  };
  const std::string command = "waited 120 s for the servers to finish a command: 1 of 3 missing";
  const std::string pass = "waited 10 s for the end of pass ";
  for (const auto& [lost, waited_for] :
       {Case{nth(Tag::command, 0, -1, 2), command}, Case{nth(Tag::command_done, 1), command},
        Case{nth(Tag::start_pass, 0, -1, 1), pass + "0: "},
        Case{nth(Tag::start_pass, 1, -1, 6), pass + "1: "},
        Case{nth(Tag::strips_done, 1, 2), pass + "1: 3 of 6 strips and 0 of 4 workers missing"},
        Case{nth(Tag::worker_done, 8), pass + "2: 0 of 6 strips and 1 of 4 workers missing"},
        Case{nth(Tag::credit, 0), pass + "0: "}, Case{nth(Tag::credit, 40), pass + "1: "}}) {
    LocalJob job = this->job({0, 1, lost});
    expect_end<ResourceError>(job, waited_for);
  }
}

TEST_F(JobWithFaults, EndsAtTheDeadlineWhenBlocksComeNoMore) {
  for (int node = 0; node < 3; ++node) {
    for (const std::uint64_t n : {0U, 6U, 7U, 20U}) {
      LocalJob job = this->job({});
      job.ring().lose(node, n, Loss::with_what_comes);
      expect_end<ResourceError>(job, "waited 10 s for the end of pass " + std::to_string(n / 7));
    }
  }
}

TEST_F(JobWithFaults, NoticesThatABlockIsMissingFromTheRow) {
  for (int node = 0; node < 3; ++node) {
    for (const std::uint64_t n : {0U, 3U, 8U}) {  // not the last of a pass
      LocalJob job = this->job({});
      job.ring().lose(node, n, Loss::alone);
      expect_end<ProtocolError>(job, "; expected block ");
    }
  }
}

}  // namespace
}  // namespace factorps::scheduler
