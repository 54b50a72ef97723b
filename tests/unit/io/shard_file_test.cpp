#include "io/shard_file.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/hdf5.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

constexpr std::size_t kStride = 16;

/// Rows with their memory.
struct Rows {
  explicit Rows(std::size_t count) : factors{count * kStride}, states(count), rows{count} {}
  Rows(std::size_t count, std::size_t dim, float first) : Rows{count} {
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t f = 0; f < dim; ++f) {
        factors.data()[r * kStride + f] = first + static_cast<float>(r * dim + f);
      }
      states[r] = {first - static_cast<float>(r), static_cast<float>(r)};
    }
  }
  RowsView view() { return {factors.data(), states.data(), kStride, rows}; }
  bool operator==(const Rows& other) const {
    return std::ranges::equal(factors.span(), other.factors.span()) &&
           std::ranges::equal(states, other.states, [](RowState a, RowState b) {
             return a.bias == b.bias && a.accumulator == b.accumulator;
           });
  }
  AlignedBuffer<float> factors;
  std::vector<RowState> states;
  std::size_t rows;
};

class ShardFile : public testing::Test {
 protected:
  /// strip 0 (5000 rows, more than one piece) and block 7 in one file, strip 1 (no rows) in another
  ShardFile() {
    described_.push_back(write(files_[0], {rows_part(RowsKind::strip, 0, strip_.view(), 3),
                                           rows_part(RowsKind::block, 7, block_.view(), 3)}));
    described_.push_back(write(files_[1], {rows_part(RowsKind::strip, 1, Rows{0}.view(), 3)}));
  }
  static CheckpointFile write(const std::filesystem::path& path,
                              const std::vector<ShardPart>& parts) {
    ShardWriter writer{path, parts};
    for (std::size_t n = parts.size(); n-- > 0;) writer.write(n);  // in any order
    return writer.finish();
  }
  /// As a checkpoint has it.
  CheckpointManifest manifest() const {
    CheckpointManifest manifest;
    manifest.files = described_;
    return manifest;
  }
  std::string error_of(RowsKind kind, std::uint32_t index, std::size_t rows,
                       std::size_t dim) const {
    Rows target{rows};
    try {
      ShardReader{files_}.read(kind, index, target.view(), dim);
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return "";
  }

  test::TemporaryDirectory directory_;
  std::vector<std::filesystem::path> files_{directory_ / "shard-000.h5",
                                            directory_ / "shard-001.h5"};
  Rows strip_{5000, 3, 0.5F};
  Rows block_{4, 3, -8};
  std::vector<CheckpointFile> described_;
};

TEST_F(ShardFile, GivesRowsAndStatesBackWhicheverFileHasThem) {
  ShardReader reader{{files_[1], files_[0]}};
  Rows strip{5000};
  reader.read(RowsKind::strip, 0, strip.view(), 3);
  EXPECT_TRUE(strip == strip_);
  Rows block{4};
  reader.read(RowsKind::block, 7, block.view(), 3);
  EXPECT_TRUE(block == block_);
  Rows empty{0};
  EXPECT_NO_THROW(reader.read(RowsKind::strip, 1, empty.view(), 3));
}

TEST_F(ShardFile, IsDescribedWhereverItsDatasetsLie) {
  EXPECT_EQ(described_[0].bytes, std::filesystem::file_size(files_[0]));
  const h5::File file = h5::File::open(files_[0]);
  std::vector<std::string> names;
  for (const CheckpointDataset& data : described_[0].datasets) {
    EXPECT_EQ(data.offset, file.offset(data.name)) << data.name;
    const auto values = file.read<float>(data.name);
    EXPECT_EQ(data.checksum, checksum(std::as_bytes(std::span{values}))) << data.name;
    names.push_back(data.name);
  }
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"/blocks/000007/accumulator", "/blocks/000007/bias",
                                             "/blocks/000007/factors", "/strips/000000/accumulator",
                                             "/strips/000000/bias", "/strips/000000/factors"}));
  const auto text = test::read_text(files_[0]);
  EXPECT_EQ(described_[0].checksum, checksum(std::as_bytes(std::span{text})));
}

TEST_F(ShardFile, GivesRowsBackByAManifestAndOpensOnlyWhatIsAskedFor) {
  std::filesystem::remove(files_[1]);
  ShardReader reader{directory_.path(), manifest()};
  Rows strip{5000};
  reader.read(RowsKind::strip, 0, strip.view(), 3);
  EXPECT_TRUE(strip == strip_);
  Rows block{4};
  reader.read(RowsKind::block, 7, block.view(), 3);
  EXPECT_TRUE(block == block_);
  Rows empty{0};
  EXPECT_NO_THROW(reader.read(RowsKind::strip, 1, empty.view(), 3));  // nothing to read
}

TEST_F(ShardFile, NamesTheDatasetThatIsDamaged) {
  const auto& data =
      *std::ranges::find(described_[0].datasets, "/strips/000000/bias", &CheckpointDataset::name);
  std::fstream file{files_[0], std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(data.offset + 17));
  file.put('\x55');
  file.close();
  Rows block{4};
  ShardReader reader{directory_.path(), manifest()};
  EXPECT_NO_THROW(reader.read(RowsKind::block, 7, block.view(), 3));  // whole
  Rows strip{5000};
  try {
    reader.read(RowsKind::strip, 0, strip.view(), 3);
    ADD_FAILURE();
  } catch (const CheckpointError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find(files_[0].string() + ": /strips/000000/bias has checksum "), 0U) << text;
    EXPECT_NE(text.find(fmt::format(", expected {:016x}", data.checksum)), std::string::npos);
  }
  EXPECT_EQ(damage_of(files_[0], described_[0]).size(), 1U);
}

/// As on a disk that keeps something else than it was given.
TEST_F(ShardFile, IsNotFinishedIfItReadsBackDifferently) {
  const auto path = directory_ / "shard-002.h5";
  ShardWriter writer{path, {rows_part(RowsKind::strip, 0, strip_.view(), 3)}};
  writer.write(0);
  const auto offset = h5::File::open(path).offset("/strips/000000/factors");
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(offset + 40'000)).put('\x55');
  file.close();
  try {
    static_cast<void>(writer.finish());
    ADD_FAILURE();
  } catch (const ResourceError& error) {
    EXPECT_EQ(std::string{error.what()}.find(
                  path.string() + ": /strips/000000/factors is not what was written, when it is "
                                  "read back: checksum "),
              0U)
        << error.what();
  }
}

/// Large ones begin on a page: they are moved without the system's memory.
TEST_F(ShardFile, HoldsRowsOfAnyWidthInPiecesOfAnySize) {
  for (const std::size_t dim : {1U, 5U, 15U, 16U}) {
    Rows rows{200'000 / dim, dim, 1};
    const auto path = directory_ / "shard-003.h5";
    const CheckpointFile file = write(path, {rows_part(RowsKind::block, 1, rows.view(), dim)});
    EXPECT_EQ(file.datasets.front().offset % RawFile::kPage, 0U);
    Rows found{200'000 / dim};
    ShardReader{{path}}.read(RowsKind::block, 1, found.view(), dim);
    EXPECT_TRUE(found == rows) << dim;
    EXPECT_TRUE(damage_of(path, file).empty());
  }
}

TEST_F(ShardFile, NamesWhatIsMissing) {
  EXPECT_EQ(error_of(RowsKind::strip, 2, 1, 3), "no file of the checkpoint has /strips/000002");
  EXPECT_EQ(error_of(RowsKind::block, 0, 1, 3), "no file of the checkpoint has /blocks/000000");
}

TEST_F(ShardFile, RefusesAnotherShape) {
  const std::string place = files_[0].string() + ": /blocks/000007/factors is not ";
  EXPECT_EQ(error_of(RowsKind::block, 7, 5, 3), place + "5 x 3: has 48 bytes");
  EXPECT_EQ(error_of(RowsKind::block, 7, 4, 2), place + "4 x 2: has 48 bytes");
  EXPECT_EQ(error_of(RowsKind::block, 7, 4, 3), "");
}

TEST_F(ShardFile, PrefersRowsThatAnotherServerKept) {
  Rows kept{2, 3, 70};
  const std::vector<std::uint32_t> which{1, 3};
  write(directory_ / "shard-002.h5", {residents_part(7, which, kept.view(), 3)});
  files_.insert(files_.begin(), directory_ / "shard-002.h5");
  Rows block{4};
  ShardReader{files_}.read(RowsKind::block, 7, block.view(), 3);
  Rows expected{4, 3, -8};
  for (const std::size_t n : {0U, 1U}) {
    std::copy_n(kept.view().factors + n * kStride, 3,
                expected.view().factors + (1 + 2 * n) * kStride);
    expected.states[1 + 2 * n] = kept.states[n];
  }
  EXPECT_TRUE(block == expected);
  EXPECT_EQ(error_of(RowsKind::block, 7, 4, 3), "");
}

TEST_F(ShardFile, RefusesKeptRowsThatTheBlockDoesNotHave) {
  const std::vector<std::uint32_t> which{1, 4};
  Rows kept{2, 3, 70};
  write(directory_ / "shard-002.h5", {residents_part(7, which, kept.view(), 3)});
  files_.push_back(directory_ / "shard-002.h5");
  EXPECT_EQ(error_of(RowsKind::block, 7, 4, 3),
            files_[2].string() + ": /residents/000007/row has row 4, expected less than 4");
}

TEST_F(ShardFile, HoldsTheSumsOfLanesBesideTheirRecords) {
  std::vector<float> records(6, 0.5F);
  std::vector<ShardPart> parts{records_part("users", 0, records.data(), 3, 2, 2),
                               records_part("users", 1, records.data(), 3, 2, 2)};
  parts[0].sums = {7, 0.25};
  files_ = {directory_ / "shard-002.h5"};
  const CheckpointFile file = write(files_[0], parts);
  EXPECT_EQ(file.datasets.size(), 3U);
  ShardReader reader{files_};
  EXPECT_EQ(reader.read_record_sums("users", 0), (std::vector<double>{7, 0.25}));
  EXPECT_THROW(static_cast<void>(reader.read_record_sums("users", 1)), CheckpointError);
  std::vector<float> found(6);
  reader.read_records("users", 1, found.data(), 3, 2, 2);
  EXPECT_EQ(found, records);
}

TEST_F(ShardFile, RefusesAFileThatIsNone) {
  files_.push_back(directory_.write("shard-002.h5", "not HDF5"));
  EXPECT_THROW(ShardReader{files_}, DataError);
}

}  // namespace
}  // namespace factorps
