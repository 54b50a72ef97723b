#include "ps/als_tables.hpp"

#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "common/error.hpp"

namespace factorps::ps {
namespace {

/// Interactions of a strip and of a block.
std::uint64_t size_of(const Grid& grid, StripId strip, std::span<const std::uint64_t> cells) {
  std::uint64_t sum = 0;
  for (std::uint32_t b = 0; b < grid.blocks(); ++b)
    sum += cells[grid.cell_index(strip, BlockId{b})];
  return sum;
}
std::uint64_t size_of(const Grid& grid, BlockId block, std::span<const std::uint64_t> cells) {
  std::uint64_t sum = 0;
  for (std::uint32_t s = 0; s < grid.strips(); ++s)
    sum += cells[grid.cell_index(StripId{s}, block)];
  return sum;
}

}  // namespace

GramSums::Tile GramSums::tile_at(std::size_t n) const {
  Tile at;
  for (std::size_t left = stride / tile; n >= left; --left, ++at.row) n -= left;
  at.column = at.row + n;
  return at;
}

double GramSums::at(std::size_t i, std::size_t j) const {
  // Left of the diagonal only what stands in a square on it.
  const bool stored = i / tile <= j / tile;
  const std::size_t place = stored ? i * stride + j : j * stride + i;
  double sum = 0;
  for (std::uint32_t part = 0; part < kGramParts; ++part) {
    sum += parts[part * stride * stride + place];
  }
  return sum;
}

double inner_product(const GramSums& a, const GramSums& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.stride; ++i) {
    for (std::size_t j = 0; j < a.stride; ++j) sum += a.at(i, j) * b.at(i, j);
  }
  return sum;
}

AlsTables::Plan AlsTables::plan(const Grid& grid, std::size_t dim, const AlsShare& share,
                                std::span<const std::uint64_t> cells) {
  OffsetCursor cursor;
  const auto place = [&](std::uint64_t rows, std::uint64_t interactions) {
    ListsPlace lists{.rows = rows, .interactions = interactions};
    lists.begin = cursor.take((rows + 1) * sizeof(std::uint64_t));
    lists.others = cursor.take(interactions * sizeof(std::uint32_t));
    if (share.numbered) lists.numbers = cursor.take(interactions * sizeof(float));
    return lists;
  };
  Plan plan;
  for (std::uint32_t s = share.strips.begin; s < share.strips.end; ++s) {
    const StripId strip{s};
    plan.strips.push_back(place(grid.users_of(strip).size(), size_of(grid, strip, cells)));
  }
  for (const BlockId block : share.blocks) {
    plan.blocks.push_back(place(grid.items_of(block).size(), size_of(grid, block, cells)));
  }
  const std::size_t stride = round_up(dim + (share.with_bias ? kBiasColumns : 0), kRowMultiple);
  const std::size_t gram = share.all_pairs ? kGramParts * stride * stride * sizeof(double) : 0;
  plan.user_gram = cursor.take(gram);
  plan.item_gram = cursor.take(gram);
  plan.counter = cursor.take(UnitCounter::kBytes);
  plan.bytes = cursor.take(0);
  return plan;
}

std::size_t AlsTables::bytes_needed(const Grid& grid, std::size_t dim, const AlsShare& share,
                                    std::span<const std::uint64_t> cells) {
  return plan(grid, dim, share, cells).bytes;
}

AlsTables::AlsTables(std::span<std::byte> memory, const Tables& tables, AlsShare share,
                     std::span<const std::uint64_t> cells)
    : memory_{memory},
      tables_{tables},
      share_{std::move(share)},
      plan_{plan(tables.grid(), tables.dim(), share_, cells)},
      stride_{tables.stride()} {
  FACTORPS_CHECK(memory.size() >= plan_.bytes);
  FACTORPS_CHECK(!share_.with_bias || tables.dim() + kBiasColumns <= stride_);
}

BiasColumns AlsTables::columns(std::size_t bias, std::size_t constant) const {
  if (!share_.with_bias) return {};
  return {tables_.dim() + bias, tables_.dim() + constant};
}

void AlsTables::fill(RowsView rows, BiasColumns columns) const {
  if (!share_.with_bias) return;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    float* row = rows.factors + r * rows.stride;
    row[columns.bias] = rows.states[r].bias;
    row[columns.constant] = 1;
  }
}

RowLists AlsTables::lists(StripId strip) const {
  return lists(plan_.strips.at(strip.value() - share_.strips.begin));
}
RowLists AlsTables::lists_of_block(std::size_t n) const { return lists(plan_.blocks.at(n)); }

RowLists AlsTables::lists(const ListsPlace& place) const {
  std::byte* memory = memory_.data();
  RowLists lists{{reinterpret_cast<std::uint64_t*>(memory + place.begin), place.rows + 1},
                 {reinterpret_cast<std::uint32_t*>(memory + place.others), place.interactions}};
  if (share_.numbered) lists.numbers = reinterpret_cast<float*>(memory + place.numbers);
  return lists;
}

GramSums AlsTables::gram(std::size_t offset) const {
  return {{reinterpret_cast<double*>(memory_.data() + offset), kGramParts * stride_ * stride_},
          stride_,
          gram_tile(stride_)};
}

std::uint64_t AlsTables::units(comm::PassKind kind) const {
  const Grid& grid = tables_.grid();
  const std::uint64_t strips = share_.strips.end - share_.strips.begin;
  switch (kind) {
    case comm::PassKind::index_rows:
      return strips + share_.blocks.size();
    case comm::PassKind::solve_items:
      return share_.blocks.size() * grid.strips();
    case comm::PassKind::solve_users:
    case comm::PassKind::rank:
    case comm::PassKind::evaluate:
      return strips * grid.blocks();
    case comm::PassKind::gram_items:
    case comm::PassKind::gram_users:
      return kGramParts * gram_of_users().tiles();
    default:
      throw ProtocolError{"alternating least squares has no such pass"};
  }
}

}  // namespace factorps::ps
