#include "worker/als_rows.hpp"

#include <algorithm>
#include <cmath>

#include "worker/als_lists.hpp"
#include "worker/cell_errors.hpp"

namespace factorps::worker {
namespace {

double known_rows(std::span<const std::uint32_t> counts) {
  return static_cast<double>(std::ranges::count_if(counts, [](auto n) { return n > 0; }));
}

}  // namespace

AlsRows::AlsRows(const ps::AlsTables& tables, const Dataset& dataset, AlsOptions options)
    : tables_{tables}, dataset_{dataset}, options_{options} {}

void AlsRows::begin_items(const float* fixed) {
  half_ = half(fixed, tables_.gram_of_users(), dataset_.user_counts(), tables_.columns_of_items(),
               options_.l2_item);
}

void AlsRows::begin_users(const float* fixed) {
  half_ = half(fixed, tables_.gram_of_items(), dataset_.item_counts(), tables_.columns_of_users(),
               options_.l2_user);
}

AlsRows::Half AlsRows::half(const float* fixed, const ps::GramSums& sums,
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
float AlsRows::number_of(float value) const {
  return tables_.share().all_pairs ? options_.confidence.weight(value)
                                   : value - static_cast<float>(options_.mu);
}

Piece AlsRows::index(std::uint64_t unit) const {
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

double AlsRows::solve(const RowsView& rows, RowRange batch, const ps::RowLists& lists) {
  const std::size_t size = batch.size();
  for (std::size_t t = 0; t < size; ++t) tasks_[t] = task_of(rows, batch.begin + t, lists);
  const double loss =
      options_.kernels.solve(half_.problem, std::span{tasks_}.first(size), workspace_);
  for (std::size_t t = 0; tables_.share().with_bias && t < size; ++t) {
    rows.states[batch.begin + t].bias = tasks_[t].row[half_.problem.bias];
  }
  return loss;
}

AlsTask AlsRows::task_of(const RowsView& rows, std::uint64_t row, const ps::RowLists& lists) const {
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

ps::CellSums AlsRows::errors(Part part, StripId strip, BlockId block, RowsView users,
                             RowsView items) {
  const CellView cell = dataset_.cell(part, strip, block);
  no_states_.resize(std::max({no_states_.size(), users.rows, items.rows}));
  users.states = items.states = no_states_.data();
  predictions_.resize(cell.size());
  options_.predict(cell, users, items, static_cast<float>(options_.mu), predictions_.data());
  return to_cell_sums(errors_of_cell(dataset_, cell, strip, block, predictions_));
}

}  // namespace factorps::worker
