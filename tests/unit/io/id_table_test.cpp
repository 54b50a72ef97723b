#include "io/id_table.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

IdTable words() { return IdTable::of_strings({0, 2, 2, 5}, "zzabc"); }

TEST(IdTable, FindsWhatItHolds) {
  const IdTable numbers = IdTable::of_integers({7, -3, 9223372036854775807});
  EXPECT_EQ(numbers.text(1), "-3");
  EXPECT_EQ(numbers.find("7"), 0U);
  EXPECT_EQ(numbers.find("-3"), 1U);
  EXPECT_EQ(numbers.find("9223372036854775807"), 2U);
  EXPECT_EQ(words().text(1), "");
  EXPECT_EQ(words().find("zz"), 0U);
  EXPECT_EQ(words().find(""), 1U);
  EXPECT_EQ(words().find("abc"), 2U);
}

TEST(IdTable, DoesNotFindOtherText) {
  const IdTable numbers = IdTable::of_integers({7, 0});
  for (const char* text : {"07", "+7", "7 ", "", "8", "-0", "9223372036854775808", "x"}) {
    EXPECT_FALSE(numbers.find(text)) << text;
  }
  EXPECT_FALSE(words().find("z"));
}

TEST(IdTable, SurvivesTheFile) {
  const test::TemporaryDirectory directory;
  {
    h5::File file = h5::File::create(directory / "ids.h5");
    IdTable::of_integers({5, 4}).write(file, "/numbers");
    words().write(file, "/words");
    file.close();
  }
  const h5::File file = h5::File::open(directory / "ids.h5");
  EXPECT_EQ(file.read<std::int64_t>("/numbers/ids"), (std::vector<std::int64_t>{5, 4}));
  const IdTable read = IdTable::read(file, "/words");
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read.text(0) + "|" + read.text(1) + "|" + read.text(2), "zz||abc");
}

TEST(IdTable, RejectsOffsetsThatLeaveTheBytes) {
  const std::vector<std::vector<std::uint64_t>> bad{{}, {0, 4}, {1, 3}, {0, 3, 2, 3}, {0, 9, 3}};
  for (const auto& offsets : bad) {
    const test::TemporaryDirectory directory;
    h5::File file = h5::File::create(directory / "ids.h5");
    file.write("/x/id_offsets", offsets);
    file.write("/x/id_bytes", std::vector<char>{'a', 'b', 'c'});
    file.close();
    EXPECT_THROW(static_cast<void>(IdTable::read(h5::File::open(directory / "ids.h5"), "/x")),
                 DataError);
  }
}

}  // namespace
}  // namespace factorps
