#include "io/dataset.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/dataset_check.hpp"
#include "io/dataset_writer.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

/// 5 users in 2 strips, 4 items in 2 blocks, a pair twice, an empty cell, an item without training.
DatasetContents small() {
  DatasetContents contents;
  contents.user_ids = IdTable::of_integers({10, 11, 12, 13, 14});
  contents.item_ids = IdTable::of_strings({0, 1, 2, 3, 4}, "wxyz");
  contents.grid = {{0, 2, 5}, {0, 3, 4}};
  const auto add = [&](std::uint32_t user, std::uint32_t item, float value, Part part) {
    contents.interactions.users.push_back(user);
    contents.interactions.items.push_back(item);
    contents.interactions.values.push_back(value);
    contents.interactions.parts.push_back(part);
  };
  add(4, 3, 5.0F, Part::train);
  add(1, 2, 0.5F, Part::train);
  add(1, 0, 4.0F, Part::train);
  add(2, 1, 3.0F, Part::train);
  add(1, 2, 1.5F, Part::train);
  add(0, 0, 2.0F, Part::test);
  add(3, 0, 2.5F, Part::validation);
  contents.value_min = 0.5F;
  contents.value_max = 5.0F;
  contents.seed = 42;
  contents.summary = R"({"rows": 7})";
  return contents;
}

class DatasetFile : public testing::Test {
 protected:
  std::filesystem::path path() const { return directory_ / "dataset.h5"; }
  Dataset written(const DatasetContents& contents) const {
    write_dataset(path(), contents);
    return Dataset{path()};
  }
  /// Overwrites bytes inside a stored object.
  void damage(const std::string& object, std::uint64_t byte, char value) const {
    const std::uint64_t offset = h5::File::open(path()).offset(object) + byte;
    std::fstream file{path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(value);
  }

 private:
  test::TemporaryDirectory directory_;
};

TEST_F(DatasetFile, SaysHowLargeItsIdsAre) {
  const Dataset dataset = written(small());
  EXPECT_EQ(dataset.user_id_bytes(), 5U * 8);      // numbers
  EXPECT_EQ(dataset.item_id_bytes(), 5U * 8 + 4);  // offsets and letters
}

TEST_F(DatasetFile, HoldsCellsAsRunsPerUser) {
  const Dataset data = written(small());
  const CellView cell = data.cell(Part::train, StripId{0}, BlockId{0});
  EXPECT_EQ(std::vector(cell.runs.begin(), cell.runs.end()), (std::vector<factorps::Run>{{1, 3}}));
  EXPECT_EQ(std::vector(cell.items.begin(), cell.items.end()),
            (std::vector<std::uint16_t>{0, 2, 2}));
  EXPECT_TRUE(cell.code.narrow);
  EXPECT_EQ(cell.value(0), 4.0F);
  EXPECT_EQ(cell.value(1), 0.5F);
  EXPECT_EQ(cell.value(2), 1.5F);

  EXPECT_EQ(data.cell(Part::train, StripId{0}, BlockId{1}).size(), 0U);
  const CellView last = data.cell(Part::train, StripId{1}, BlockId{1});
  EXPECT_EQ(last.runs.front(), (factorps::Run{2, 1}));  // user 4 in a strip from 2
  EXPECT_EQ(last.items.front(), 0);                     // item 3 in a block from 3
  EXPECT_EQ(data.cell(Part::validation, StripId{1}, BlockId{0}).value(0), 2.5F);
  EXPECT_EQ(data.interactions(Part::train), 5U);
  EXPECT_EQ(data.interactions(Part::test), 1U);
}

TEST_F(DatasetFile, HoldsEverythingElse) {
  const Dataset data = written(small());
  EXPECT_EQ(std::vector(data.user_counts().begin(), data.user_counts().end()),
            (std::vector<std::uint32_t>{0, 3, 1, 0, 1}));
  EXPECT_EQ(std::vector(data.item_counts().begin(), data.item_counts().end()),
            (std::vector<std::uint32_t>{1, 1, 2, 1}));
  EXPECT_EQ(data.user_ids().text(4), "14");
  EXPECT_EQ(data.item_ids().text(3), "z");
  EXPECT_DOUBLE_EQ(data.train_mean(), (5.0 + 0.5 + 4.0 + 3.0 + 1.5) / 5);
  EXPECT_EQ(data.value_min(), 0.5F);
  EXPECT_EQ(data.value_max(), 5.0F);
  EXPECT_EQ(data.summary(), R"({"rows": 7})");
  EXPECT_EQ(data.fingerprint().size(), 64U);
  EXPECT_EQ(data.grid().strip_begin, (std::vector<std::uint64_t>{0, 2, 5}));
  EXPECT_NO_THROW(data.verify(StripId{0}));
  EXPECT_NO_THROW(data.verify(StripId{1}));
}

TEST_F(DatasetFile, SaysWhenInteractionsWereIfAskedTo) {
  EXPECT_FALSE(written(small()).has_times());
  const std::string without = Dataset{path()}.fingerprint();
  DatasetContents contents = small();
  contents.interactions.times = {50, -7, 30, 40, 20, 1'000'000'000'000, 10};
  const Dataset data = written(contents);
  EXPECT_TRUE(data.has_times());
  EXPECT_EQ(data.fingerprint(), without);
  const auto times = [&](Part part, std::uint32_t strip, std::uint32_t block) {
    const auto found = data.times(part, StripId{strip}, BlockId{block});
    return std::vector(found.begin(), found.end());
  };
  // As values stand in the cell: 4, 0.5, 1.5.
  EXPECT_EQ(times(Part::train, 0, 0), (std::vector<std::int64_t>{30, -7, 20}));
  EXPECT_EQ(times(Part::train, 0, 1), std::vector<std::int64_t>{});
  EXPECT_EQ(times(Part::train, 1, 1), std::vector<std::int64_t>{50});
  EXPECT_EQ(times(Part::test, 0, 0), std::vector<std::int64_t>{1'000'000'000'000});
  EXPECT_NO_THROW(verify_all(data));
}

TEST_F(DatasetFile, NoticesDamagedTimes) {
  DatasetContents contents = small();
  contents.interactions.times = {50, -7, 30, 40, 20, 60, 10};
  write_dataset(path(), contents);
  damage("/validation/times", 1, 1);
  EXPECT_THROW(verify_all(Dataset{path()}), DataError);
}

TEST_F(DatasetFile, KeepsFloatsWhereABytePerValueWouldLose) {
  DatasetContents contents = small();
  contents.interactions.values[3] = 3.1F;
  const Dataset data = written(contents);
  const CellView cell = data.cell(Part::train, StripId{1}, BlockId{0});
  EXPECT_FALSE(cell.code.narrow);
  EXPECT_EQ(cell.value(0), 3.1F);
  EXPECT_NO_THROW(data.verify(StripId{1}));
}

/// small() with the history of a held-out user.
DatasetContents with_fold_in() {
  DatasetContents contents = small();
  contents.interactions.users.push_back(3);
  contents.interactions.items.push_back(2);
  contents.interactions.values.push_back(4.5F);
  contents.interactions.parts.push_back(Part::fold_in);
  return contents;
}

TEST_F(DatasetFile, HoldsTheHistoryOfHeldOutUsers) {
  const Dataset data = written(with_fold_in());
  EXPECT_TRUE(data.has(Part::fold_in));
  EXPECT_EQ(data.interactions(Part::fold_in), 1U);
  const CellView cell = data.cell(Part::fold_in, StripId{1}, BlockId{0});
  EXPECT_EQ(cell.runs.front(), (factorps::Run{1, 1}));  // user 3 in a strip from 2
  EXPECT_EQ(cell.items.front(), 2);
  EXPECT_EQ(cell.value(0), 4.5F);
  EXPECT_EQ(data.interactions(Part::train), 5U);
  EXPECT_EQ(data.user_counts()[3], 0U);  // nothing of it trains
  EXPECT_NO_THROW(verify_all(data));
}

TEST_F(DatasetFile, HasAnEmptyHistoryWithoutHeldOutUsers) {
  const Dataset data = written(small());
  EXPECT_FALSE(h5::File::open(path()).exists("/fold_in"));
  EXPECT_FALSE(data.has(Part::fold_in));
  EXPECT_EQ(data.interactions(Part::fold_in), 0U);
  EXPECT_EQ(data.cell(Part::fold_in, StripId{1}, BlockId{1}).size(), 0U);
  EXPECT_TRUE(data.cell(Part::fold_in, StripId{1}, BlockId{1}).runs.empty());
  EXPECT_EQ(data.cell_sizes(Part::fold_in), (std::vector<std::uint64_t>(4, 0)));
  EXPECT_NO_THROW(verify_all(data));
}

TEST_F(DatasetFile, DoesNotDependOnTheOrderOfTheInput) {
  DatasetContents contents = small();
  write_dataset(path(), contents);
  const std::string first = test::read_text(path());
  auto& in = contents.interactions;
  std::reverse(in.users.begin(), in.users.end());
  std::reverse(in.items.begin(), in.items.end());
  std::reverse(in.values.begin(), in.values.end());
  std::reverse(in.parts.begin(), in.parts.end());
  write_dataset(path(), contents);
  EXPECT_EQ(test::read_text(path()), first);
}

TEST_F(DatasetFile, DoesNotDependOnTheThreads) {
  DatasetContents contents = small();
  contents.grid.strip_begin = {0, 1, 2, 4, 5};
  write_dataset(path(), contents);
  const std::string first = test::read_text(path());
  for (const std::uint32_t threads : {2U, 3U, 9U}) {
    write_dataset(path(), contents, threads);
    EXPECT_EQ(test::read_text(path()), first);
  }
}

TEST_F(DatasetFile, FingerprintChangesWithTheContents) {
  const std::string before = write_dataset(path(), small());
  DatasetContents other_value = small();
  other_value.interactions.values[0] = 4.5F;
  DatasetContents other_part = small();
  other_part.interactions.parts[0] = Part::test;
  DatasetContents other_id = small();
  other_id.user_ids = IdTable::of_integers({10, 11, 12, 13, 15});
  DatasetContents other_grid = small();
  other_grid.grid.strip_begin = {0, 3, 5};
  for (const auto& contents : {other_value, other_part, other_id, other_grid, with_fold_in()}) {
    EXPECT_NE(write_dataset(path(), contents), before);
  }
  DatasetContents other_summary = small();
  other_summary.summary = "{}";
  EXPECT_EQ(write_dataset(path(), other_summary), before);
}

TEST_F(DatasetFile, HoldsRandomInteractionsExactlyOnce) {
  std::mt19937 random{7};
  for (int trial = 0; trial < 30; ++trial) {
    DatasetContents contents;
    const auto users = static_cast<std::uint32_t>(random() % 40 + 2);
    const auto items = static_cast<std::uint32_t>(random() % 30 + 3);
    contents.user_ids = IdTable::of_integers(std::vector<std::int64_t>(users));
    contents.item_ids = IdTable::of_integers(std::vector<std::int64_t>(items));
    contents.grid = {{0, users / 2, users / 2, users}, {0, 1, items / 2, items}};
    using Row = std::tuple<Part, std::uint32_t, std::uint32_t, float>;
    std::vector<Row> expected;
    for (std::uint32_t n = 0; n < 300; ++n) {
      const Row row{static_cast<Part>(random() % kParts.size()), random() % users, random() % items,
                    static_cast<float>(random() % 1000)};
      expected.push_back(row);
      contents.interactions.parts.push_back(std::get<0>(row));
      contents.interactions.users.push_back(std::get<1>(row));
      contents.interactions.items.push_back(std::get<2>(row));
      contents.interactions.values.push_back(std::get<3>(row));
    }
    const Dataset data = written(contents);
    std::vector<Row> found;
    for (const Part part : kParts) {
      for (std::uint32_t s = 0; s < data.grid().strips(); ++s) {
        data.verify(StripId{s});
        for (std::uint32_t b = 0; b < data.grid().blocks(); ++b) {
          const CellView cell = data.cell(part, StripId{s}, BlockId{b});
          std::size_t n = 0;
          for (const factorps::Run& run : cell.runs) {
            for (std::uint32_t k = 0; k < run.count; ++k, ++n) {
              found.emplace_back(
                  part,
                  static_cast<std::uint32_t>(data.grid().users_of(StripId{s}).begin) + run.user,
                  static_cast<std::uint32_t>(data.grid().items_of(BlockId{b}).begin) +
                      cell.items[n],
                  cell.value(n));
            }
          }
        }
      }
    }
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, expected);
  }
}

TEST_F(DatasetFile, CellChecksumIsTheDocumentedOne) {
  const Dataset data = written(small());
  const CellView cell = data.cell(Part::train, StripId{0}, BlockId{0});
  const std::uint32_t runs[] = {1, 3};
  const std::uint16_t items[] = {0, 2, 2};
  const std::uint8_t codes[] = {7, 0, 2};  // base .5, step .5
  const std::uint64_t sums[] = {checksum(std::as_bytes(std::span{runs})),
                                checksum(std::as_bytes(std::span{items})),
                                checksum(std::as_bytes(std::span{codes}))};
  EXPECT_EQ(cell_checksum(cell), checksum(std::as_bytes(std::span{sums})));
}

TEST_F(DatasetFile, VerifyFindsAFlippedByteAnywhere) {
  for (const char* object :
       {"/train/runs", "/train/items", "/train/values", "/train/cell_checksum"}) {
    write_dataset(path(), small());
    damage(object, 1, 77);
    const Dataset data{path()};
    EXPECT_THROW(data.verify(StripId{0}), DataError) << object;
  }
}

TEST_F(DatasetFile, NoFlippedByteOfAnyObjectEscapes) {
  write_dataset(path(), with_fold_in());
  EXPECT_NO_THROW(verify_all(Dataset{path()}));
  const std::string whole = test::read_text(path());
  const auto expect_noticed = [&](const std::string& object, std::size_t bytes) {
    const std::uint64_t offset = h5::File::open(path()).offset(object);
    for (std::size_t byte = 0; byte < bytes; byte += 3) {
      damage(object, byte, static_cast<char>(whole[offset + byte] ^ 0x55));
      EXPECT_THROW(verify_all(Dataset{path()}), DataError) << object << ", byte " << byte;
      damage(object, byte, whole[offset + byte]);
    }
  };
  expect_noticed("/users/ids", 5 * 8);
  expect_noticed("/items/id_offsets", 5 * 8);
  expect_noticed("/items/id_bytes", 4);
  expect_noticed("/users/train_count", 5 * 4);
  expect_noticed("/items/train_count", 4 * 4);
  expect_noticed("/grid/strip_begin", 3 * 8);
  expect_noticed("/grid/block_begin", 3 * 8);
  expect_noticed("/normalisation/offset", 4);
  expect_noticed("/normalisation/scale", 4);
  for (const std::string part : {"/train", "/validation", "/test", "/fold_in"}) {
    const std::size_t rows = part == "/train" ? 5 : 1;
    expect_noticed(part + "/items", rows * 2);
    expect_noticed(part + "/values", rows);
    expect_noticed(part + "/cell_runs", 5 * 8);
    expect_noticed(part + "/cell_begin", 5 * 8);
    expect_noticed(part + "/cell_checksum", 4 * 8);
  }
}

TEST_F(DatasetFile, VerifyAllSaysWhatIsDamaged) {
  const auto complaint = [&](const std::string& object) {
    write_dataset(path(), small());
    damage(object, 0, 9);
    try {
      verify_all(Dataset{path()});
    } catch (const DataError& error) {
      return std::string{error.what()};
    }
    return std::string{"none"};
  };
  EXPECT_EQ(
      complaint("/users/train_count"),
      path().string() + ": /users/train_count of row 0 is 9, expected 0: the file is damaged");
  EXPECT_NE(
      complaint("/users/ids")
          .find(" of what is in the file: ids, grid, normalisation or value range are damaged"),
      std::string::npos);
}

TEST_F(DatasetFile, VerifyChecksBoundsEvenUnderAGoodChecksum) {
  const auto with_checksum_of_damage = [&](const std::string& object, std::uint64_t byte,
                                           char value) {
    write_dataset(path(), small());
    damage(object, byte, value);
    const std::uint64_t sum =
        cell_checksum(Dataset{path()}.cell(Part::train, StripId{0}, BlockId{0}));
    for (std::uint64_t b = 0; b < 8; ++b) {
      damage("/train/cell_checksum", b, static_cast<char>(sum >> (8 * b)));
    }
  };
  with_checksum_of_damage("/train/runs", 0, 2);  // strip 0 has users 0 and 1
  EXPECT_THROW(Dataset{path()}.verify(StripId{0}), DataError);
  with_checksum_of_damage("/train/runs", 4, 2);  // fewer than the cell holds
  EXPECT_THROW(Dataset{path()}.verify(StripId{0}), DataError);
  with_checksum_of_damage("/train/items", 4, 3);  // block 0 has items 0 to 2
  EXPECT_THROW(Dataset{path()}.verify(StripId{0}), DataError);
  with_checksum_of_damage("/train/items", 0, 1);  // still in order: nothing to object to
  EXPECT_NO_THROW(Dataset{path()}.verify(StripId{0}));
}

// Room for what users have seen is made by their counts.
TEST_F(DatasetFile, VerifyChecksTheCountsOfUsers) {
  write_dataset(path(), small());
  damage("/users/train_count", 4 * 3, 1);  // of user 3, in strip 1
  EXPECT_NO_THROW(Dataset{path()}.verify(StripId{0}));
  EXPECT_THROW(Dataset{path()}.verify(StripId{1}), DataError);
}

TEST_F(DatasetFile, VerifyWantsUsersInOrder) {
  // The writer keeps what it is given sorted, so the second user is moved before the first by hand.
  DatasetContents contents = small();
  contents.interactions.users.push_back(0);
  contents.interactions.items.push_back(1);
  contents.interactions.values.push_back(4);
  contents.interactions.parts.push_back(Part::train);
  write_dataset(path(), contents);
  damage("/train/runs", 0, 1);
  const std::uint64_t sum =
      cell_checksum(Dataset{path()}.cell(Part::train, StripId{0}, BlockId{0}));
  for (std::uint64_t b = 0; b < 8; ++b) {
    damage("/train/cell_checksum", b, static_cast<char>(sum >> (8 * b)));
  }
  EXPECT_THROW(Dataset{path()}.verify(StripId{0}), DataError);
}

TEST_F(DatasetFile, RefusesCountsThatDoNotMatch) {
  const auto expect_refused = [&](const std::string& object, std::uint64_t byte, char value) {
    write_dataset(path(), with_fold_in());
    damage(object, byte, value);
    EXPECT_THROW(Dataset{path()}, DataError) << object;
  };
  expect_refused("/grid/strip_begin", 16, 6);       // more users than there are
  expect_refused("/grid/block_begin", 8, 9);        // not ascending
  expect_refused("/train/cell_begin", 8, 99);       // beyond the interactions
  expect_refused("/train/cell_runs", 7, 1);         // huge
  expect_refused("/test/cell_begin", 0, 1);         // does not start at 0
  expect_refused("/fold_in/cell_begin", 8, 99);     // beyond the interactions
  expect_refused("/normalisation/scale", 3, 0x7F);  // infinity
}

TEST_F(DatasetFile, RefusesATruncatedFileAtEveryLength) {
  write_dataset(path(), with_fold_in());
  const std::string whole = test::read_text(path());
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    std::ofstream{path(), std::ios::binary | std::ios::trunc}.write(
        whole.data(), static_cast<std::streamsize>(size));
    EXPECT_THROW(Dataset{path()}, DataError) << size;
  }
}

TEST_F(DatasetFile, RefusesOtherFiles) {
  EXPECT_THROW(Dataset{path()}, DataError);  // there is none
  h5::File::create(path()).close();
  EXPECT_THROW(Dataset{path()}, DataError);
}

TEST_F(DatasetFile, IsNotReplacedWhenWritingFails) {
  EXPECT_THROW(write_dataset(path().parent_path() / "missing" / "dataset.h5", small()), Error);
  EXPECT_FALSE(std::filesystem::exists(path().parent_path() / "missing"));
}

}  // namespace
}  // namespace factorps
