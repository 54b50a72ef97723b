#include "io/prepare/clean.hpp"

#include <string>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/unit/io/prepare/rows.hpp"

namespace factorps {
namespace {

using test::grouped;
using test::text_of;

std::string merged(Duplicates duplicates, const std::vector<test::Row>& rows,
                   std::size_t source_rows = 99) {
  GroupedRows data = grouped(rows, source_rows);
  merge_duplicates(data, duplicates);
  return text_of(data);
}

TEST(GroupByUser, KeepsTheOrderOfTheFiles) {
  EXPECT_EQ(text_of(grouped({{1, 5, 1}, {0, 3, 2}, {1, 4, 3}, {0, 9, 4}, {1, 5, 5}}, 4)),
            "0:3=2 0:9=4 1:5=1 1:4=3 1:5=5T");
}

TEST(Duplicates, AreMergedByEveryRule) {
  const std::vector<test::Row> rows{{0, 1, 4}, {0, 2, 1}, {0, 1, 2}, {1, 1, 7}, {0, 1, 3}};
  EXPECT_EQ(merged(Duplicates::keep_all, rows), "0:1=4 0:2=1 0:1=2 0:1=3 1:1=7");
  EXPECT_EQ(merged(Duplicates::keep_last, rows), "0:1=3 0:2=1 1:1=7");
  EXPECT_EQ(merged(Duplicates::keep_first, rows), "0:1=4 0:2=1 1:1=7");
  EXPECT_EQ(merged(Duplicates::mean, rows), "0:1=3 0:2=1 1:1=7");
  EXPECT_EQ(merged(Duplicates::sum, rows), "0:1=9 0:2=1 1:1=7");
  EXPECT_EQ(merged(Duplicates::max, rows), "0:1=4 0:2=1 1:1=7");
}

TEST(Duplicates, GoByTimeWhereThereIsOne) {
  const std::vector<test::Row> rows{{0, 1, 4, 20}, {0, 1, 2, 30}, {0, 1, 3, 10}};
  EXPECT_EQ(merged(Duplicates::keep_last, rows), "0:1=2@30");
  EXPECT_EQ(merged(Duplicates::keep_first, rows), "0:1=3@10");
  EXPECT_EQ(merged(Duplicates::sum, rows), "0:1=9@30");
  EXPECT_EQ(merged(Duplicates::keep_last, {{0, 1, 4, 5}, {0, 1, 2, 5}}),
            "0:1=2@5");  // equal: the later row
  EXPECT_EQ(merged(Duplicates::keep_first, {{0, 1, 4, 5}, {0, 1, 2, 5}}),
            "0:1=4@5");  // the earlier
}

TEST(Duplicates, SourceAndTestAreNotCompared) {
  EXPECT_EQ(merged(Duplicates::keep_last, {{0, 1, 1}, {0, 1, 2}, {0, 1, 3}, {0, 1, 4}}, 2),
            "0:1=2 0:1=4T");
}

TEST(Duplicates, SumsMustStayFinite) {
  EXPECT_THROW(merged(Duplicates::sum, {{0, 1, 3e38F}, {0, 1, 3e38F}}), DataError);
}

TEST(Core, IsWhatIsLeftWhenNothingChangesAnyMore) {
  // Item 9 has one row; without it user 2 has one; without that item 1 still has two.
  GroupedRows data =
      grouped({{0, 1, 1}, {0, 2, 1}, {1, 1, 1}, {1, 2, 1}, {2, 1, 1}, {2, 9, 1}}, 99);
  keep_core(data, 2, 2);
  EXPECT_EQ(text_of(data), "0:1=1 0:2=1 1:1=1 1:2=1");
  keep_core(data, 3, 0);
  EXPECT_EQ(text_of(data), "");
}

TEST(Core, LeavesTestRowsAlone) {
  GroupedRows data = grouped({{0, 1, 1}, {1, 1, 1}, {1, 2, 1}, {0, 2, 1}, {0, 3, 1}}, 3);
  keep_core(data, 2, 0);
  EXPECT_EQ(text_of(data), "0:2=1T 0:3=1T 1:1=1 1:2=1");
}

TEST(TimeWindow, IsHalfOpen) {
  RawInteractions data;
  data.rows = test::columns({{0, 0, 1, 10}, {0, 1, 2, 20}, {0, 2, 3, 30}, {0, 3, 4, 20}});
  data.source_rows = 3;
  keep_time_window(data, 20, 30);
  EXPECT_EQ(data.rows.size(), 2U);
  EXPECT_EQ(data.source_rows, 1U);
  EXPECT_EQ(data.rows.values[0], 2.0F);
  EXPECT_EQ(data.rows.values[1], 4.0F);
}

}  // namespace
}  // namespace factorps
