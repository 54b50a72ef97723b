/// Ranking with one block at a time, against ranking with all of them.
#include "worker/ranked_strip.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/random.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"
#include "worker/rank_users.hpp"

namespace factorps::worker {
namespace {

constexpr std::size_t kDim = 3;
constexpr std::uint32_t kUsers = 250;  // a strip has more than are scored together
constexpr std::uint32_t kItems = 40;

/// Users who have an item twice, also in several parts of the split; a strip and a block without
/// rows.
DatasetContents tangled_contents() {
  DatasetContents contents = test::synthetic_contents({kUsers, kItems, 3, 4, 0, 1});
  contents.grid = {{0, 100, 100, kUsers}, {0, 5, 5, 12, kItems}};
  const RandomStream random{1, Purpose::generate};
  for (std::uint32_t user = 0; user < kUsers; ++user) {
    for (std::uint32_t n = 0; n < user % 29; ++n) {
      contents.interactions.users.push_back(user);
      contents.interactions.items.push_back(
          static_cast<std::uint32_t>(random.below(kItems, user, 2 * n)));
      contents.interactions.values.push_back(1);
      contents.interactions.parts.push_back(
          std::array{Part::train, Part::validation, Part::test}[random.below(3, user, 2 * n + 1)]);
    }
  }
  return contents;
}

class RankedStripOf : public testing::Test {
 protected:
  RankedStripOf() {
    for (std::uint32_t s = 0; s < grid_.strips(); ++s) fill(tables_.strip(StripId{s}), s);
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) fill(tables_.block(BlockId{b}), 100 + b);
  }
  /// Few different numbers, so that many scores are equal.
  static void fill(const RowsView& rows, std::uint64_t seed) {
    const RandomStream random{seed, Purpose::init_user};
    for (std::uint64_t r = 0; r < rows.rows; ++r) {
      for (std::uint32_t k = 0; k < kDim; ++k) {
        rows.factors[r * rows.stride + k] = static_cast<float>(random.below(3, r, k)) - 1;
      }
      rows.states[r].bias = r % 5 == 4 ? 0.25F : 0;
    }
  }
  static std::filesystem::path write(const std::filesystem::path& path) {
    write_dataset(path, tangled_contents());
    return path;
  }
  /// Blocks ascend in one pass and descend in the other.
  void rank(Part part, StripId strip, std::span<ps::RankPlace> places) const {
    RankedStrip ranked{tables_, dataset_, part, strip, places};
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) ranked.note_scores(BlockId{b});
    for (std::uint32_t b = grid_.blocks(); b-- > 0;) ranked.count_places(BlockId{b});
    ranked.sum_up(5);
  }
  /// @return users with something to find
  double expect_sums_of_rank_slice() const {
    const auto pairs = ps::pairs_to_rank(dataset_);
    const ps::Share all{0, grid_.strips()};
    AlignedBuffer<std::byte> memory{ps::RankPlaces::bytes_needed(pairs, all)};
    const ps::RankPlaces places{memory.span(), pairs, all};
    double users = 0;
    for (const Part part : {Part::test, Part::validation}) {
      for (std::uint32_t s = 0; s < grid_.strips(); ++s) {
        rank(part, StripId{s}, places.of(StripId{s}));
        for (std::uint32_t b = 0; b < grid_.blocks(); ++b) {
          const ps::CellSums sums = tables_.sums(StripId{s}, BlockId{b});
          EXPECT_EQ(sums, rank_slice(tables_, dataset_, part, StripId{s}, BlockId{b}, 5))
              << part_name(part) << ", strip " << s << ", slice " << b;
          users += sums[0];
        }
      }
    }
    return users;
  }

  test::TemporaryDirectory directory_;
  Dataset dataset_{write(directory_ / "data.h5")};
  const Grid& grid_ = dataset_.grid();
  AlignedBuffer<std::byte> memory_{ps::Tables::bytes_needed(grid_, kDim, ps::whole_grid(grid_))};
  ps::Tables tables_{memory_.span(), grid_, kDim, ps::whole_grid(grid_)};
};

TEST_F(RankedStripOf, HasTheBitsOfARankingOfAllItemsAtOnce) {
  EXPECT_GT(expect_sums_of_rank_slice(), 200);
}

/// A score that is no number is below all others.
TEST_F(RankedStripOf, HasTheBitsWhereScoresAreNoNumbers) {
  for (const std::uint32_t b : {2U, 3U}) {
    tables_.block(BlockId{b}).factors[0] = std::numeric_limits<float>::quiet_NaN();
  }
  tables_.strip(StripId{0}).factors[17 * tables_.stride()] =
      std::numeric_limits<float>::quiet_NaN();
  EXPECT_GT(expect_sums_of_rank_slice(), 200);
}

TEST_F(RankedStripOf, HasRoomForTheLargerPartOfAStrip) {
  const auto pairs = ps::pairs_to_rank(dataset_);
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[1], 0U);
  EXPECT_GE(pairs[0] + pairs[2],
            std::max(dataset_.interactions(Part::validation), dataset_.interactions(Part::test)));
  EXPECT_LT(pairs[0] + pairs[2],
            dataset_.interactions(Part::validation) + dataset_.interactions(Part::test));
  // The second node has no room for strips of the first.
  const std::size_t both = ps::RankPlaces::bytes_needed(pairs, {0, 3});
  EXPECT_EQ(
      ps::RankPlaces::bytes_needed(pairs, {0, 1}) + ps::RankPlaces::bytes_needed(pairs, {1, 3}),
      both);
  EXPECT_GE(both, (pairs[0] + pairs[2]) * sizeof(ps::RankPlace));
}

}  // namespace
}  // namespace factorps::worker
