#include "scheduler/stop_reason.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

TEST(StopReason, IsAFile) {
  const test::TemporaryDirectory directory;
  const StopConditions conditions{directory / "stop", {}, 60};
  EXPECT_EQ(stop_reason(conditions, 1000, 5), "");
  directory.write("stop", "");
  EXPECT_EQ(stop_reason(conditions, 1000, 5), "asked to stop by " + conditions.file.string());
}

TEST(StopReason, IsAnEpochThatWouldNotEndBeforeTheReserve) {
  const StopConditions conditions{"no-such-file", 1000, 60};
  EXPECT_EQ(stop_reason(conditions, 935, 5), "");
  EXPECT_EQ(stop_reason(conditions, 936, 5),
            "the allocation ends in 64 s: too short for what may take 5 s and a reserve of 60 s; "
            "stopped");
  EXPECT_EQ(stop_reason(conditions, 940, 0), "");  // nobody knows yet how long an epoch takes
  EXPECT_NE(stop_reason(conditions, 940.5, 0), "");
  EXPECT_NE(stop_reason(conditions, 2000, 0), "");  // long ago
}

TEST(ParseEndTime, ReadsSecondsAndNothingElse) {
  EXPECT_EQ(parse_end_time("END", "1795982718"), 1795982718);
  for (const char* text :
       {"", "soon", "12s", "-1", "99999999999999999999", "2026-11-29T20:04:32"}) {
    try {
      static_cast<void>(parse_end_time("END", text));
      ADD_FAILURE() << text;
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.what(),
                "END = \"" + std::string{text} + "\": expected seconds since 1970, a whole number");
    }
  }
}

}  // namespace
}  // namespace factorps::scheduler
