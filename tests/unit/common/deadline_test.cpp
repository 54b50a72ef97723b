#include "common/deadline.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/error.hpp"

namespace factorps {
namespace {

TEST(ADeadlineDeathTest, EndsAProcessThatIsStuckAndSaysInWhat) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto wait = [] {
    const Deadline deadline{0.01, "Godot"};
    while (true) ::pause();
  };
  EXPECT_EXIT(wait(), testing::ExitedWithCode(static_cast<int>(ExitCode::resources)),
              "factorps: error: waited 0.01 s for Godot");
}

TEST(ADeadline, IsNoMatterToWhoIsInTime) {
  { const Deadline deadline{3600, "nothing"}; }
}

}  // namespace
}  // namespace factorps
