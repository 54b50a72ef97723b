#include "common/machine_watch.hpp"

#include <gtest/gtest.h>

namespace factorps {
namespace {

/// Two other machines; a look every half second, and 15 s of patience: 30 looks.
class MachineWatching : public testing::Test {
 protected:
  std::optional<Verdict> look(int times) {
    for (int n = 1; n <= times; ++n) {
      if (auto verdict = watch_.look()) return verdict;
    }
    return std::nullopt;
  }
  MachineWatch watch_{0.5, 15, {"machine b (rank 2)", "machine c (rank 4 and 1 more)"}};
};

TEST_F(MachineWatching, NamesTheOneThatIsSilentAndWhereItsRanksWere) {
  for (int n = 0; n < 100; ++n) {
    watch_.heard(0, "  rank 2: works\n");
    watch_.heard(1, n == 99 ? "  rank 4: waits\n  rank 5: works\n" : "");
    ASSERT_FALSE(look(29));
  }
  watch_.heard(0, "");
  const auto verdict = look(1);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, Verdict::Kind::silent);
  EXPECT_EQ(verdict->cause,
            "machine c (rank 4 and 1 more) has said nothing for 15 s (cluster.watchdog_seconds): "
            "it stands still, or the network to it");
  EXPECT_EQ(verdict->everybody,
            "factorps: where those of machine c (rank 4 and 1 more) were when it was last heard:\n"
            "  rank 4: waits\n  rank 5: works\n");
}

TEST_F(MachineWatching, NamesOneThatWasNeverHeard) {
  ASSERT_FALSE(look(29));
  const auto verdict = look(1);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->cause.find("machine b (rank 2) has said nothing for 15 s"), 0U);
  EXPECT_EQ(verdict->everybody, "");
}

TEST_F(MachineWatching, MissesNobodyWhoHasLeft) {
  watch_.left(0);
  watch_.left(1);
  EXPECT_FALSE(look(100));
}

}  // namespace
}  // namespace factorps
