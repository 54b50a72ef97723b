#include "worker/als_work.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/error.hpp"
#include "worker/als_lists.hpp"
#include "worker/at_work.hpp"
#include "worker/cell_errors.hpp"
#include "worker/rank_users.hpp"

namespace factorps::worker {
namespace {

double known_rows(std::span<const std::uint32_t> counts) {
  return static_cast<double>(std::ranges::count_if(counts, [](auto n) { return n > 0; }));
}

}  // namespace

AlsWork::AlsWork(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options)
    : tables_{tables}, dataset_{dataset}, options_{options}, counter_{tables.counter()} {}

void AlsWork::begin(const comm::StartPass& pass) {
  pass_ = pass;
  counter_.begin(tables_.units(pass.kind));
  if (pass.kind == comm::PassKind::solve_items) {
    half_ = half(tables_.users(), tables_.gram_of_users(), dataset_.user_counts(),
                 tables_.columns_of_items(), options_.l2_item);
  } else if (pass.kind == comm::PassKind::solve_users) {
    half_ = half(tables_.items(), tables_.gram_of_items(), dataset_.item_counts(),
                 tables_.columns_of_users(), options_.l2_user);
  }
}

AlsWork::Half AlsWork::half(const float* fixed, const ps::GramSums& sums,
                            std::span<const std::uint32_t> counts, ps::BiasColumns columns,
                            double l2) {
  const std::size_t stride = sums.stride;
  if (gram_.size() == 0) gram_ = AlignedBuffer<float>{stride * stride};
  for (std::size_t n = 0; tables_.share().all_pairs && n < gram_.size(); ++n) {
    gram_.data()[n] = static_cast<float>(options_.unobserved * sums.at(n / stride, n % stride));
  }
  const std::size_t block = options_.block == 0 ? stride : std::min(options_.block, stride);
  return {{fixed, gram_.data(), stride, block, options_.cg_steps, columns.bias, columns.constant},
          l2,
          known_rows(counts)};
}

/// What is kept with an interaction.
float AlsWork::number_of(float value) const {
  return tables_.share().all_pairs ? options_.confidence.weight(value)
                                   : value - static_cast<float>(options_.mu);
}

std::optional<Piece> AlsWork::try_piece() {
  const auto unit = counter_.take();
  if (!unit) return std::nullopt;
  const AtWork at_work{{Holding::Kind::rows, pass_.epoch, static_cast<std::uint32_t>(*unit), 0}};
  const Grid& grid = dataset_.grid();
  Piece piece;
  switch (pass_.kind) {
    case comm::PassKind::index_rows:
      piece = index(*unit);
      break;
    case comm::PassKind::gram_users:
      piece = add_gram(*unit, tables_.gram_of_users(), tables_.users(), grid.users());
      break;
    case comm::PassKind::gram_items:
      piece = add_gram(*unit, tables_.gram_of_items(), tables_.items(), grid.items());
      break;
    case comm::PassKind::solve_users:
      piece = solve_users(*unit);
      break;
    case comm::PassKind::solve_items:
      piece = solve_items(*unit);
      break;
    case comm::PassKind::rank:
      piece = rank(*unit);
      break;
    case comm::PassKind::evaluate:
      piece = evaluate(*unit);
      break;
    default:
      throw ProtocolError{"worker: a pass that alternating least squares does not have"};
  }
  counter_.done();
  return piece;
}

Piece AlsWork::index(std::uint64_t unit) const {
  const ps::AlsShare& share = tables_.share();
  const std::uint32_t strips = share.strips.end - share.strips.begin;
  const auto number = [this](float value) { return number_of(value); };
  if (unit < strips) {
    const StripId strip{share.strips.begin + static_cast<std::uint32_t>(unit)};
    const ps::RowLists lists = tables_.lists(strip);
    list_interactions(dataset_, strip, number, lists);
    return {TraceKind::index_rows, strip.value(), 0, lists.others.size()};
  }
  const std::size_t n = unit - strips;
  const ps::RowLists lists = tables_.lists_of_block(n);
  list_interactions(dataset_, share.blocks[n], number, lists);
  return {TraceKind::index_rows, 0, share.blocks[n].value(), lists.others.size()};
}

Piece AlsWork::add_gram(std::uint64_t unit, const ps::GramSums& sums, const float* rows,
                        std::uint64_t count) const {
  const auto part = static_cast<std::uint32_t>(unit % ps::kGramParts);
  std::size_t i = 0;
  std::size_t j = unit / ps::kGramParts;  // squares of row i of squares come before those of i + 1
  for (std::size_t left = sums.stride / sums.tile; j >= left; --left) {
    j -= left;
    ++i;
  }
  j += i;
  const RowRange range = ps::slice_of({0, count}, part, ps::kGramParts);
  std::vector<double> square(sums.tile * sums.tile);
  options_.kernels.add_gram(rows + range.begin * sums.stride, range.size(), sums.stride,
                            i * sums.tile, j * sums.tile, sums.tile, square.data());
  double* place = sums.parts.data() + part * sums.stride * sums.stride +
                  i * sums.tile * sums.stride + j * sums.tile;
  for (std::size_t r = 0; r < sums.tile; ++r) {
    std::copy_n(square.data() + r * sums.tile, sums.tile, place + r * sums.stride);
  }
  return {TraceKind::gram, 0, 0, 0};
}

Piece AlsWork::solve_users(std::uint64_t unit) {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId slice{static_cast<std::uint32_t>(unit % grid.blocks())};
  const RowRange users = grid.users_of(strip);
  const auto sums =
      solve(tables_.tables().strip(strip),
            ps::slice_of({0, users.size()}, slice.value(), grid.blocks()), tables_.lists(strip));
  tables_.tables().sums(strip, slice) = sums;
  tables_.tables().progress(strip).fetch_add(1, std::memory_order_release);
  return {TraceKind::solve_rows, strip.value(), slice.value(), static_cast<std::uint64_t>(sums[0])};
}

Piece AlsWork::solve_items(std::uint64_t unit) {
  const Grid& grid = dataset_.grid();
  const std::size_t n = unit / grid.strips();
  const auto slice = static_cast<std::uint32_t>(unit % grid.strips());
  const BlockId block = tables_.share().blocks[n];
  const RowRange items = grid.items_of(block);
  const auto sums =
      solve(tables_.tables().block(block), ps::slice_of({0, items.size()}, slice, grid.strips()),
            tables_.lists_of_block(n));
  tables_.tables().turns(block).fetch_add(1, std::memory_order_release);
  return {TraceKind::solve_rows, slice, block.value(), static_cast<std::uint64_t>(sums[0])};
}

/// @param rows of the strip or block that the lists are of
/// @param slice of them
ps::CellSums AlsWork::solve(const RowsView& rows, RowRange slice, const ps::RowLists& lists) {
  std::array<AlsTask, kAlsBatch> tasks;
  ps::CellSums sums{};
  for (std::uint64_t first = slice.begin; first < slice.end; first += kAlsBatch) {
    const std::size_t size = std::min<std::uint64_t>(kAlsBatch, slice.end - first);
    for (std::size_t t = 0; t < size; ++t) {
      tasks[t] = task_of(rows, first + t, lists);
      sums[0] += static_cast<double>(tasks[t].others.size());
    }
    sums[1] += options_.kernels.solve(half_.problem, std::span{tasks}.first(size), workspace_);
    for (std::size_t t = 0; tables_.share().with_bias && t < size; ++t) {
      rows.states[first + t].bias = tasks[t].row[half_.problem.bias];
    }
  }
  return sums;
}

AlsTask AlsWork::task_of(const RowsView& rows, std::uint64_t row, const ps::RowLists& lists) const {
  AlsTask task;
  task.others = lists.of(row);
  const float* numbers = lists.numbers == nullptr ? nullptr : lists.numbers + lists.begin[row];
  (tables_.share().all_pairs ? task.weights : task.targets) = numbers;
  const double pairs = static_cast<double>(task.others.size()) + options_.unobserved * half_.others;
  const double frequency = std::pow(pairs, options_.l2_exponent);
  task.l2 = static_cast<float>(half_.l2 * frequency);
  task.l2_bias = static_cast<float>(options_.l2_bias * frequency);
  task.row = rows.factors + row * rows.stride;
  return task;
}

Piece AlsWork::rank(std::uint64_t unit) const {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId slice{static_cast<std::uint32_t>(unit % grid.blocks())};
  const auto sums = rank_slice(tables_.tables(), dataset_, static_cast<Part>(pass_.part), strip,
                               slice, options_.rank_at);
  tables_.tables().sums(strip, slice) = sums;
  return {TraceKind::rank_users, strip.value(), slice.value(), static_cast<std::uint64_t>(sums[0])};
}

Piece AlsWork::evaluate(std::uint64_t unit) {
  const Grid& grid = dataset_.grid();
  const StripId strip{tables_.share().strips.begin +
                      static_cast<std::uint32_t>(unit / grid.blocks())};
  const BlockId block{static_cast<std::uint32_t>(unit % grid.blocks())};
  const CellView cell = dataset_.cell(static_cast<Part>(pass_.part), strip, block);
  RowsView users = tables_.tables().strip(strip);
  RowsView items = tables_.tables().block(block);
  no_states_.resize(std::max({no_states_.size(), users.rows, items.rows}));
  users.states = items.states = no_states_.data();
  predictions_.resize(cell.size());
  options_.predict(cell, users, items, static_cast<float>(options_.mu), predictions_.data());
  const auto errors = errors_of_cell(dataset_, cell, strip, block, predictions_);
  tables_.tables().sums(strip, block) = to_cell_sums(errors);
  return {TraceKind::evaluate_cell, strip.value(), block.value(), cell.size()};
}

}  // namespace factorps::worker
