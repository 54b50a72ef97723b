/// scripts/drill, for as long as a test may take.
#include <gtest/gtest.h>

#include "tests/e2e/factorps.hpp"

namespace factorps::test {
namespace {

TEST(Drill, ShowsThatKillsLoseNothing) {
  ProgramOptions options;
  options.environment = {"FACTORPS=" + executable()};
  const ProgramResult result =
      run_program({FACTORPS_DRILL, "kills", "6", "--ranks", "4", "--epochs", "3"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("6 kills in "), std::string::npos) << result.out;
}

}  // namespace
}  // namespace factorps::test
