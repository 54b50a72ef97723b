#include "scheduler/start_checks.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

const RankIdentity kFirst{"node1", "aa", "[model]\ndim = 8\n[train]\nseed = 1\nepochs = 3\n",
                          "0123456789abcdef0123"};

std::string difference_to(const RankIdentity& other) {
  return difference(std::vector{kFirst, kFirst, other});
}

TEST(Difference, IsNoneBetweenHosts) {
  RankIdentity elsewhere = kFirst;
  elsewhere.host = "node2";
  EXPECT_EQ(difference_to(elsewhere), "");
  EXPECT_EQ(difference(std::vector<RankIdentity>{}), "");
}

TEST(Difference, NamesTheRankItsHostAndTheValues) {
  RankIdentity other = kFirst;
  other.host = "node2";
  other.dataset = "fedcba9876543210fedc";
  EXPECT_EQ(difference_to(other),
            "rank 2 on node2 has another dataset (fingerprint fedcba9876543210) than rank 0 on "
            "node1 (fingerprint 0123456789abcdef); expected the same file on every machine");
  other.configuration = "[model]\ndim = 8\n[train]\nseed = 2\nepochs = 3\n";
  EXPECT_EQ(difference_to(other),
            "rank 2 on node2 has another configuration than rank 0 on node1: [train] seed = 2 "
            "instead of 1; expected the same file and --set for every rank");
  other.program = "bb";
  EXPECT_EQ(difference_to(other),
            "rank 2 on node2 runs another executable (checksum bb) than rank 0 on node1 (checksum "
            "aa); expected the same build on every machine");
}

TEST(Difference, MayBeOfAnyRankButTheFirst) {
  RankIdentity other = kFirst;
  other.program = "bb";
  EXPECT_EQ(difference(std::vector{kFirst, other}).find("rank 1 on node1 runs another"), 0U);
  EXPECT_EQ(difference(std::vector{kFirst, kFirst, kFirst, other}).find("rank 3 on node1"), 0U);
  RankIdentity elsewhere = kFirst;
  elsewhere.host = "node2";
  EXPECT_NE(difference(std::vector{kFirst, elsewhere, other}).find(" than rank 0 on node1 "),
            std::string::npos);
}

TEST(Difference, NamesKeysThatOneHasAlone) {
  RankIdentity other = kFirst;
  other.configuration = "[model]\ndim = 8\n[train]\nepochs = 3\n";
  EXPECT_NE(difference_to(other).find("[train] epochs = 3 instead of seed = 1"), std::string::npos)
      << difference_to(other);
  other.configuration = kFirst.configuration + "more = 1\n";
  EXPECT_NE(difference_to(other).find("keys that the other does not have"), std::string::npos);
}

Found found() { return {"node1", {100, 800, "control group /job_7"}, "runs/a", 50, 30}; }

TEST(Shortage, IsNoneWhereEverythingJustFits) { EXPECT_EQ(shortage({100, 50, 30}, found()), ""); }

TEST(Shortage, SaysWhatIsMissing) {
  EXPECT_EQ(shortage({101, 51, 31}, found()),
            "memory of node1: the ranks there need 101 bytes, 100 of 800 are free (control group "
            "/job_7), 1 are missing; use more nodes, fewer dimensions or, under SLURM, a larger "
            "--mem");
  EXPECT_EQ(shortage({100, 51, 31}, found()),
            "runs/a: checkpoints and model need 51 bytes more, 50 are free, 1 are missing; make "
            "room, lower checkpoint.keep or choose another run.dir");
  EXPECT_EQ(shortage({100, 50, 31}, found()),
            "open files on node1: a rank needs 31, the limit is 30; raise it (ulimit -n, or "
            "LimitNOFILE of slurmd)");
}

}  // namespace
}  // namespace factorps::scheduler
