#include "model/context.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace factorps {
namespace {

TEST(Context, IsThatOfTheCalendarInUtc) {
  // date -u -d 2024-02-29T23:59:59 +%s
  constexpr std::int64_t kTime = 1709251199;
  EXPECT_EQ(context_text(ContextKind::weekday, context_value(ContextKind::weekday, kTime)),
            "Thursday");
  EXPECT_EQ(context_text(ContextKind::month, context_value(ContextKind::month, kTime)), "February");
  EXPECT_EQ(context_value(ContextKind::hour, kTime), 23U);
  EXPECT_EQ(context_text(ContextKind::weekday, context_value(ContextKind::weekday, kTime + 1)),
            "Friday");
  EXPECT_EQ(context_text(ContextKind::month, context_value(ContextKind::month, kTime + 1)),
            "March");
  EXPECT_EQ(context_value(ContextKind::hour, kTime + 1), 0U);
}

TEST(Context, GoesOnBefore1970) {
  EXPECT_EQ(context_value(ContextKind::hour, -1), 23U);
  EXPECT_EQ(context_text(ContextKind::weekday, context_value(ContextKind::weekday, -1)),
            "Wednesday");
  EXPECT_EQ(context_text(ContextKind::month, context_value(ContextKind::month, -1)), "December");
}

TEST(Context, HasAValueAtAnyTime) {
  for (const std::int64_t time :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    for (const ContextKind kind : {ContextKind::weekday, ContextKind::month, ContextKind::hour})
      EXPECT_LT(context_value(kind, time), size_of(kind)) << name_of(kind) << " of " << time;
  }
}

TEST(Context, KindsAreFoundByTheirNames) {
  for (const ContextKind kind : {ContextKind::weekday, ContextKind::month, ContextKind::hour})
    EXPECT_EQ(context_from(name_of(kind)), kind);
  EXPECT_EQ(context_from("day"), std::nullopt);
}

}  // namespace
}  // namespace factorps
