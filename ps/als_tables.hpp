/// What alternating least squares keeps on a node beside tables: the interactions row by row, from
/// either side, and sums of outer products.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "comm/messages.hpp"
#include "model/grid.hpp"
#include "model/kernels/als_kernel.hpp"
#include "ps/layout.hpp"
#include "ps/tables.hpp"
#include "ps/unit_counter.hpp"

namespace factorps::ps {

/// Rows of a table are summed in so many parts, then the parts in order: the same bits whoever
/// sums them.
inline constexpr std::uint32_t kGramParts = 4;

/// What a node solves.
struct AlsShare {
  Share strips;
  std::vector<BlockId> blocks;
  bool numbered = true;    ///< a number is kept with each interaction: a weight, or a target
  bool all_pairs = true;   ///< all pairs count, so sums of outer products are needed
  bool with_bias = false;  ///< rows have bias columns
};

/// Where biases stand in the rows of a table (model/kernels/als_kernel.hpp).
struct BiasColumns {
  std::size_t bias = kNoColumn;
  std::size_t constant = kNoColumn;
};
inline constexpr std::uint32_t kBiasColumns = 2;

/// The interactions of the rows of a strip or block, row by row.
struct RowLists {
  std::span<std::uint64_t> begin;   // [row], plus the end; in the arrays below
  std::span<std::uint32_t> others;  ///< row of the other table; streamed: of Tables::factors()
  float* numbers = nullptr;         // [interaction]; none: all are 1

  [[nodiscard]] std::span<const std::uint32_t> of(std::size_t row) const {
    return others.subspan(begin[row], begin[row + 1] - begin[row]);
  }
};

/// Columns of the squares that Gram matrices are summed up in. @param stride floats of a row
[[nodiscard]] constexpr std::size_t gram_tile(std::size_t stride) noexcept {
  return stride % 32 == 0 ? 32 : kRowMultiple;
}

/// Partial sums of x x^T over the rows of a table: of i <= j only, in squares of `tile` columns.
struct GramSums {
  std::span<double> parts;  // [kGramParts][stride x stride]
  std::size_t stride = 0;
  std::size_t tile = 0;

  [[nodiscard]] std::size_t tiles() const noexcept {
    return stride / tile * (stride / tile + 1) / 2;
  }
  /// Row and column of a square of the matrix.
  struct Tile {
    std::size_t row = 0;
    std::size_t column = 0;
  };
  /// The n-th square that is stored.
  [[nodiscard]] Tile tile_at(std::size_t n) const;
  /// The whole sum at i, j: the parts in ascending order.
  [[nodiscard]] double at(std::size_t i, std::size_t j) const;
};
/// Sum over i, j of a(i, j) b(i, j): sum of <p, q>^2 over all pairs of rows.
[[nodiscard]] double inner_product(const GramSums& a, const GramSums& b);

/// Every rank of a node makes one of these over the same memory; it owns nothing.
class AlsTables {
 public:
  /// @param cells training interactions [cell]
  [[nodiscard]] static std::size_t bytes_needed(const Grid& grid, std::size_t dim,
                                                const AlsShare& share,
                                                std::span<const std::uint64_t> cells);

  /// @param memory bytes_needed() bytes, aligned to kAlignment; must outlive the object
  /// @param tables without blank rows: of the whole grid, or (ps/stream_node.hpp) of the share;
  /// must outlive the object
  AlsTables(std::span<std::byte> memory, const Tables& tables, AlsShare share,
            std::span<const std::uint64_t> cells);

  [[nodiscard]] const AlsShare& share() const noexcept { return share_; }
  [[nodiscard]] const Tables& tables() const noexcept { return tables_; }
  /// All users or items of the catalogue, one row behind the other, if the node has them.
  [[nodiscard]] float* users() const { return tables_.strip(StripId{0}).factors; }
  [[nodiscard]] float* items() const { return tables_.block(BlockId{0}).factors; }
  [[nodiscard]] BiasColumns columns_of_users() const { return columns(0, 1); }
  [[nodiscard]] BiasColumns columns_of_items() const { return columns(1, 0); }
  /// Brings the bias columns of a strip or block in line with the states beside its rows.
  void fill(RowsView rows, BiasColumns columns) const;
  /// @param strip of the share
  [[nodiscard]] RowLists lists(StripId strip) const;
  /// @param n position of the block in the share
  [[nodiscard]] RowLists lists_of_block(std::size_t n) const;
  [[nodiscard]] GramSums gram_of_users() const { return gram(plan_.user_gram); }
  [[nodiscard]] GramSums gram_of_items() const { return gram(plan_.item_gram); }

  /// How many pieces a pass has on this node, with whole copies.
  [[nodiscard]] std::uint64_t units(comm::PassKind kind) const;
  [[nodiscard]] UnitCounter counter() const {
    return UnitCounter{memory_.subspan(plan_.counter, UnitCounter::kBytes)};
  }

 private:
  struct ListsPlace {
    std::size_t begin = 0;
    std::size_t others = 0;
    std::size_t numbers = 0;
    std::uint64_t rows = 0;
    std::uint64_t interactions = 0;
  };

  /// Where everything lies.
  struct Plan {
    std::vector<ListsPlace> strips;  // [strip - first of the share]
    std::vector<ListsPlace> blocks;  // [position in the share]
    std::size_t user_gram = 0;
    std::size_t item_gram = 0;
    std::size_t counter = 0;
    std::size_t bytes = 0;
  };

  [[nodiscard]] static Plan plan(const Grid& grid, std::size_t dim, const AlsShare& share,
                                 std::span<const std::uint64_t> cells);
  [[nodiscard]] RowLists lists(const ListsPlace& place) const;
  [[nodiscard]] GramSums gram(std::size_t offset) const;
  [[nodiscard]] BiasColumns columns(std::size_t bias, std::size_t constant) const;

  std::span<std::byte> memory_;
  const Tables& tables_;
  AlsShare share_;
  Plan plan_;
  std::size_t stride_;
};

}  // namespace factorps::ps
