/// Flipped bits in every file of a checkpoint. With FACTORPS_DRILLS=1 every byte, else a sample.
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/random.hpp"
#include "io/checkpoint.hpp"
#include "io/shard_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

constexpr std::size_t kDim = 5;

struct Rows {
  explicit Rows(std::size_t count) : factors(count * kDim), states(count) {}
  RowsView view() { return {factors.data(), states.data(), kDim, states.size()}; }
  std::vector<float> factors;
  std::vector<RowState> states;
};

/// Two shards with strips, blocks and rows that one of them kept of a block of the other.
class DamagedCheckpoint : public testing::Test {
 protected:
  DamagedCheckpoint() {
    const RandomStream stream{1, Purpose::init_user};
    for (std::size_t n = 0; n < rows_.size(); ++n) {
      for (std::size_t f = 0; f < rows_[n].factors.size(); ++f) {
        rows_[n].factors[f] = static_cast<float>(stream.uniform(n, static_cast<std::uint32_t>(f)));
      }
      for (RowState& state : rows_[n].states) state = {static_cast<float>(n), 0.5F};
    }
    const CheckpointStore store{directory_ / "checkpoints"};
    const auto temporary = store.begin(1);
    CheckpointManifest manifest{1, "data", "dim = 5\n", "avx2", R"({"best":0.5})", {}};
    manifest.files = {
        write(temporary / shard_name(0), {rows_part(RowsKind::strip, 0, rows_[0].view(), kDim),
                                          rows_part(RowsKind::block, 0, rows_[1].view(), kDim)}),
        write(temporary / shard_name(1), {rows_part(RowsKind::strip, 1, rows_[2].view(), kDim),
                                          rows_part(RowsKind::block, 1, rows_[3].view(), kDim),
                                          residents_part(0, which_, rows_[4].view(), kDim)})};
    checkpoint_ = store.commit(temporary, manifest);
    expected_ = load();
  }
  static CheckpointFile write(const std::filesystem::path& path,
                              const std::vector<ShardPart>& parts) {
    ShardWriter writer{path, parts};
    for (std::size_t n = 0; n < parts.size(); ++n) writer.write(n);
    return writer.finish();
  }
  /// Everything in it, in one row of numbers.
  std::vector<float> load() const {
    ShardReader reader{checkpoint_, look_at_checkpoint(checkpoint_)};
    std::vector<float> all;
    for (const std::uint32_t n : {0U, 1U}) {
      for (const RowsKind kind : {RowsKind::strip, RowsKind::block}) {
        Rows rows{kind == RowsKind::strip ? 9U : 7U};
        reader.read(kind, n, rows.view(), kDim);
        all.insert(all.end(), rows.factors.begin(), rows.factors.end());
        for (const RowState& state : rows.states) {
          all.insert(all.end(), {state.bias, state.accumulator});
        }
      }
    }
    return all;
  }
  bool is_whole() const {
    try {
      return damage_of(checkpoint_, read_manifest(checkpoint_)).empty();
    } catch (const CheckpointError&) {
      return false;
    }
  }
  bool loads() const {
    try {
      static_cast<void>(load());
      return true;
    } catch (const CheckpointError&) {
      return false;
    }
  }

  test::TemporaryDirectory directory_;
  std::vector<Rows> rows_{Rows{9}, Rows{7}, Rows{9}, Rows{7}, Rows{2}};
  std::vector<std::uint32_t> which_{1, 4};
  std::filesystem::path checkpoint_;
  std::vector<float> expected_;
};

TEST_F(DamagedCheckpoint, IsNoticedWhereverABitFlips) {
  const bool all = std::getenv("FACTORPS_DRILLS") != nullptr;
  const RandomStream stream{2, Purpose::init_item};
  ASSERT_TRUE(is_whole());
  std::uint64_t flips = 0;
  for (const char* name : {"manifest.json", "shard-000.h5", "shard-001.h5"}) {
    const std::filesystem::path path = checkpoint_ / name;
    const std::string good = test::read_text(path);
    for (std::size_t at = 0; at < good.size(); at += all ? 1 : 1 + stream.bits(flips, 1) % 60) {
      const char flipped = static_cast<char>(good[at] ^ (1 << stream.bits(flips, 2) % 8));
      std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
      file.seekp(static_cast<std::streamoff>(at));
      file.put(flipped).flush();
      ASSERT_FALSE(is_whole()) << name << ", byte " << at;
      ASSERT_FALSE(loads()) << name << ", byte " << at;
      file.seekp(static_cast<std::streamoff>(at));
      file.put(good[at]);
      ++flips;
    }
  }
  EXPECT_TRUE(is_whole());
  EXPECT_EQ(load(), expected_);
  EXPECT_GE(flips, all ? 2000U : 200U);
  std::printf("%llu flipped bits, all noticed\n", static_cast<unsigned long long>(flips));
}

TEST_F(DamagedCheckpoint, IsNoticedWhereverAFileIsCut) {
  for (const char* name : {"shard-000.h5", "shard-001.h5"}) {
    const std::filesystem::path path = checkpoint_ / name;
    const std::string good = test::read_text(path);
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, good.size() - 1}) {
      std::filesystem::resize_file(path, bytes);
      EXPECT_FALSE(is_whole()) << name << " of " << bytes << " bytes";
      EXPECT_THROW(static_cast<void>(load()), CheckpointError);
    }
    std::ofstream{path, std::ios::binary} << good;
    EXPECT_TRUE(is_whole());
  }
}

}  // namespace
}  // namespace factorps
