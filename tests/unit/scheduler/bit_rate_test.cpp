#include "scheduler/bit_rate.hpp"

#include <string>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::scheduler {
namespace {

double rate(const std::string& text) { return parse_bit_rate(text, "--bandwidth"); }

TEST(BitRate, KnowsUnitsAndPlainNumbers) {
  EXPECT_EQ(rate("10Gbit"), 1e10);
  EXPECT_EQ(rate("800 mbit/s"), 8e8);
  EXPECT_EQ(rate("1.5kbit"), 1500);
  EXPECT_EQ(rate("0.1 Tbit"), 1e11);
  EXPECT_EQ(rate("56 bit"), 56);
  EXPECT_EQ(rate("2.5e9"), 2.5e9);
}

TEST(BitRate, RefusesWhatIsNoRate) {
  for (const char* text : {"", "fast", "10 GB", "10Gb", "0", "-1Gbit", "inf", "nan", "1Gbit/h"}) {
    EXPECT_THROW(static_cast<void>(rate(text)), ConfigError) << text;
  }
  try {
    static_cast<void>(rate("10 GB/s"));
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "--bandwidth \"10 GB/s\": expected bits per second above 0, as in 10Gbit, "
                 "800Mbit or 2.5e9");
  }
}

}  // namespace
}  // namespace factorps::scheduler
