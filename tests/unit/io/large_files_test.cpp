// Offsets and counts beyond 2^31 and 2^32, in files that are mostly holes.
#include <gtest/gtest.h>

#include "common/hash.hpp"
#include "io/dataset.hpp"
#include "io/hdf5.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

constexpr std::uint64_t kTwo31 = std::uint64_t{1} << 31;
constexpr std::uint64_t kTwo32 = std::uint64_t{1} << 32;

class LargeFile : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "file.h5";
};

TEST_F(LargeFile, RowsAreWrittenAndReadAtEveryBoundary) {
  const std::vector<std::uint64_t> places{kTwo31 - 2, kTwo32 - 2, kTwo32 + 5};
  h5::File file = h5::File::create(path_);
  file.create_dataset("/bytes", h5::Type::u8, {kTwo32 + 100});
  file.create_dataset("/rows", h5::Type::f32, {kTwo31 / 16, 32});  // 2^32 elements of four bytes
  for (std::uint64_t n = 0; n < places.size(); ++n) {
    const auto first = static_cast<std::uint8_t>(10 * n);
    const std::vector<std::uint8_t> bytes{first, 1, 2, 3};
    file.write_rows("/bytes", places[n], std::span{bytes});
  }
  const std::vector<float> row(32, 7);
  file.write_rows("/rows", kTwo31 / 16 - 1, std::span{row});
  file.close();

  const h5::MappedFile map{path_};
  const auto bytes = map.view<std::uint8_t>("/bytes");
  ASSERT_EQ(bytes.size(), kTwo32 + 100);
  for (std::uint64_t n = 0; n < places.size(); ++n) {
    const std::vector<std::uint8_t> expected{static_cast<std::uint8_t>(10 * n), 1, 2, 3};
    EXPECT_EQ(map.file().read_rows<std::uint8_t>("/bytes", places[n], 4), expected) << places[n];
    EXPECT_EQ(bytes[places[n] + 2], 2) << places[n];
  }
  EXPECT_EQ(map.file().read_rows<float>("/rows", kTwo31 / 16 - 1, 1), row);
  EXPECT_EQ(map.view<float>("/rows").size(), kTwo32);
  EXPECT_EQ(map.view<float>("/rows").back(), 7.0F);
  EXPECT_GT(map.file().size_bytes(), 5 * kTwo32);
}

/// One strip, two blocks; the first cell has 2^32 + 5 interactions, the second three.
void write_large_dataset(const std::filesystem::path& path) {
  constexpr std::uint64_t kFirst = kTwo32 + 5;
  constexpr std::uint32_t kInRun = 0xFFFF'FFFF;
  h5::File file = h5::File::create(path);
  file.set("/", "format", std::string_view{"factorps-dataset"});
  file.set("/", "version", kDatasetVersion);
  file.set("/", "fingerprint", std::string_view{"none"});
  for (const char* name : {"value_min", "value_max", "train_mean", "value_base", "value_step"})
    file.set("/", name, 1.0);
  file.set("/", "value_narrow", std::uint64_t{1});
  file.write("/users/ids", std::vector<std::int64_t>{1, 2, 3});
  file.write("/users/train_count", std::vector<std::uint32_t>{0, 0, 0});
  file.write("/items/ids", std::vector<std::int64_t>{1, 2});
  file.write("/items/train_count", std::vector<std::uint32_t>{0, 0});
  file.write("/grid/strip_begin", std::vector<std::uint64_t>{0, 3});
  file.write("/grid/block_begin", std::vector<std::uint64_t>{0, 1, 2});
  file.create_group("/normalisation");
  file.set("/normalisation", "by", std::string_view{"global"});
  file.write("/normalisation/offset", std::vector<float>{0});
  file.write("/normalisation/scale", std::vector<float>{1});
  for (const std::string group : {"/validation", "/test"}) {
    for (const char* name : {"/items", "/values", "/runs"})
      file.create_dataset(group + name,
                          name == std::string{"/items"}    ? h5::Type::u16
                          : name == std::string{"/values"} ? h5::Type::u8
                                                           : h5::Type::u32,
                          {0});
    for (const char* name : {"/cell_runs", "/cell_begin"})
      file.write(group + name, std::vector<std::uint64_t>{0, 0, 0});
    file.write(group + "/cell_checksum", std::vector<std::uint64_t>{0, 0});
  }
  file.create_dataset("/train/items", h5::Type::u16, {kFirst + 3});
  file.create_dataset("/train/values", h5::Type::u8, {kFirst + 3});
  file.write_rows("/train/items", kFirst, std::span<const std::uint16_t>{{0, 0, 0}});
  file.write_rows("/train/values", kFirst, std::span<const std::uint8_t>{{4, 5, 6}});
  file.write("/train/runs", std::vector<std::uint32_t>{0, kInRun, 1, 6, 2, 3});
  file.write("/train/cell_runs", std::vector<std::uint64_t>{0, 2, 3});
  file.write("/train/cell_begin", std::vector<std::uint64_t>{0, kFirst, kFirst + 3});
  file.write("/train/cell_checksum", std::vector<std::uint64_t>{0, 0});
  file.close();
}

TEST_F(LargeFile, CellsBehind2To32InteractionsAreFound) {
  write_large_dataset(path_);
  const Dataset dataset{path_};
  EXPECT_EQ(dataset.interactions(Part::train), kTwo32 + 8);
  EXPECT_EQ(dataset.cell_sizes(Part::train), (std::vector<std::uint64_t>{kTwo32 + 5, 3}));
  const CellView first = dataset.cell(Part::train, StripId{0}, BlockId{0});
  EXPECT_EQ(first.size(), kTwo32 + 5);
  const CellView second = dataset.cell(Part::train, StripId{0}, BlockId{1});
  std::vector<float> values;
  for_each_interaction(second, [&](std::uint32_t user, std::size_t n) {
    EXPECT_EQ(user, 2U);
    values.push_back(second.value(n));
  });
  EXPECT_EQ(values, (std::vector<float>{5, 6, 7}));  // 1 + 1 x code
}

}  // namespace
}  // namespace factorps
