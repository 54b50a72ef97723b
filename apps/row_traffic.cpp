#include "apps/row_traffic.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "ps/rows/row_sections.hpp"

namespace factorps::apps {
namespace {

/// How many rows cross in a step, on average.
struct Rows {
  double pulled = 0;
  double pushed = 0;  ///< gradients of one lane
  double summed = 0;  ///< sums over several, pushed as doubles
};

/// Who asks and pushes: a worker, or with bsp all workers of a node together.
struct Sender {
  int node = 0;
  std::vector<std::uint32_t> lanes;
  int workers = 0;
};

std::vector<Sender> senders_of(const RowPlan& plan, const std::vector<ps::Share>& lanes) {
  const auto of_workers = worker::lanes_of_workers(lanes, plan.layout, plan.node_of_worker);
  std::vector<Sender> senders;
  for (std::size_t w = 0; w < of_workers.size(); ++w) {
    const int node = plan.node_of_worker[w];
    const auto same = std::ranges::find(senders, node, &Sender::node);
    const bool together = plan.policy.consistency == ps::Consistency::bsp;
    Sender& sender =
        together && same != senders.end() ? *same : senders.emplace_back(Sender{node, {}, 0});
    sender.lanes.insert(sender.lanes.end(), of_workers[w].begin(), of_workers[w].end());
    ++sender.workers;
  }
  return senders;
}

/// One sender, over all steps of an epoch.
class Expectation {
 public:
  Expectation(const RowPlan& plan, const Grid& grid, const InteractionCounts& counts)
      : plan_{plan},
        grid_{grid},
        counts_{counts},
        lanes_{worker::lanes_of(grid.strips(), plan.work.lanes)},
        senders_{senders_of(plan, lanes_)} {
    double interactions = 0;
    for (const std::uint64_t cell : counts.cells) interactions += static_cast<double>(cell);
    steps_ = std::max(1.0, std::ceil(interactions / static_cast<double>(plan.work.batches.batch)));
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      const RowRange items = grid.items_of(BlockId{b});
      auto& of_block = items_of_count_.emplace_back();
      for (const std::uint32_t count : counts.items.subspan(items.begin, items.size())) {
        if (count > 0) ++of_block[count];
      }
      for (const auto& [count, items_with_it] : of_block) trained_items_ += items_with_it;
    }
  }

  [[nodiscard]] double steps() const { return steps_; }
  [[nodiscard]] const std::vector<Sender>& senders() const { return senders_; }

  [[nodiscard]] Rows rows(const Sender& sender, std::size_t table, int node) const {
    if (table == 0) return users(sender, node);
    return table == 1 ? items(sender, node) : layer(sender, table, node);
  }

 private:
  [[nodiscard]] double interactions(std::uint32_t lane, BlockId block) const {
    double sum = 0;
    for (std::uint32_t s = lanes_[lane].begin; s < lanes_[lane].end; ++s) {
      sum += static_cast<double>(counts_.cells[grid_.cell_index(StripId{s}, block)]);
    }
    return sum;
  }
  [[nodiscard]] double interactions(std::uint32_t lane) const {
    double sum = 0;
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) sum += interactions(lane, BlockId{b});
    return sum;
  }

  /// Of lanes that reach beyond their node. A user is in one lane.
  [[nodiscard]] Rows users(const Sender& sender, int node) const {
    const RowRange there = plan_.layout.rows_of(0, node);
    Rows rows;
    for (const std::uint32_t lane : sender.lanes) {
      const std::uint64_t begin = grid_.strip_begin[lanes_[lane].begin];
      const std::uint64_t end = grid_.strip_begin[lanes_[lane].end];
      for (auto u = std::max(begin, there.begin); u < std::min(end, there.end); ++u) {
        rows.pulled += 1 - std::pow(1 - 1 / steps_, counts_.users[u]);
      }
    }
    rows.pushed = rows.pulled;
    return rows;
  }

  /// A lane has a share of the interactions of each item, all items of a block alike; each comes in
  /// one step, and negatives anywhere.
  [[nodiscard]] Rows items(const Sender& sender, int node) const {
    const ps::Share blocks = plan_.layout.blocks_of(1, node);
    Rows rows;
    for (std::uint32_t b = blocks.begin; b < blocks.end; ++b) {
      double in_block = 0;
      for (std::uint32_t l = 0; l < lanes_.size(); ++l) in_block += interactions(l, BlockId{b});
      if (in_block == 0) continue;
      std::vector<double> per_interaction;  // logarithms of not being touched, [lane]
      std::vector<double> by_negatives;
      for (const std::uint32_t lane : sender.lanes) {
        const double share = interactions(lane, BlockId{b}) / in_block;
        per_interaction.push_back(std::log1p(-share / steps_));
        const double drawn = interactions(lane) / steps_ * plan_.work.batches.negatives;
        by_negatives.push_back(drawn * std::log1p(-1 / std::max(trained_items_, 2.0)));
      }
      for (const auto& [count, items] : items_of_count_[b]) {
        const Rows each = item(count, per_interaction, by_negatives);
        rows.pulled += items * each.pulled;
        rows.pushed += items * each.pushed;
        rows.summed += items * each.summed;
      }
    }
    return rows;
  }

  /// An item with so many interactions.
  static Rows item(double count, const std::vector<double>& per_interaction,
                   const std::vector<double>& by_negatives) {
    double none = 0;  // logarithm
    double one = 0;   // of one lane alone, over none
    for (std::size_t l = 0; l < per_interaction.size(); ++l) {
      const double untouched = count * per_interaction[l] + by_negatives[l];
      none += untouched;
      one += std::expm1(-untouched);
    }
    const double touched = -std::expm1(none);
    one *= std::exp(none);
    return {touched, one, touched - one};
  }

  /// Each step needs all of it.
  [[nodiscard]] Rows layer(const Sender& sender, std::size_t table, int node) const {
    const auto lanes = sender.lanes.size();
    const auto all =
        lanes == 0 ? 0.0 : static_cast<double>(plan_.layout.rows_of(table, node).size());
    return {all, lanes == 1 ? all : 0, lanes == 1 ? 0 : all};
  }

  const RowPlan& plan_;
  const Grid& grid_;
  const InteractionCounts& counts_;
  std::vector<ps::Share> lanes_;
  std::vector<Sender> senders_;
  std::vector<std::map<std::uint32_t, double>> items_of_count_;  // [block] interactions: items
  double steps_ = 1;
  double trained_items_ = 0;
};

/// With headers: a message or more each way, and one that ends the step.
/// @param rows_of a table, as Rows
template <class RowsOf>
double bytes_of_step(const ps::RowLayout& layout, const Sender& sender, RowsOf&& rows_of) {
  const auto message = static_cast<double>(ps::RowJob{}.message_bytes);
  constexpr double kRow = sizeof(std::uint64_t);
  const double section = static_cast<double>(ps::section_bytes(ps::RowValues::none, 0, 0));
  double asked = 0;
  double got = 0;
  double pushed = 0;
  for (std::size_t t = 0; t < layout.tables().size(); ++t) {
    const ps::RowTable& table = layout.tables()[t];
    const Rows rows = rows_of(t);
    if (rows.pulled == 0) continue;
    const double width = table.width;
    asked += section + rows.pulled * kRow;
    got += rows.pulled * width * sizeof(float);
    if (table.frozen) continue;
    pushed += section + rows.pushed * (kRow + width * sizeof(float));
    if (rows.summed > 0) pushed += section + rows.summed * (kRow + width * sizeof(double));
  }
  const double workers = sender.workers;
  const double answers = workers * std::ceil(got / workers / message);
  const double pushes = workers * std::max(1.0, std::ceil(pushed / workers / message));
  return asked + got + pushed + sizeof(ps::RowHeader) * (2 * answers + pushes);
}

constexpr std::uint64_t kFirstEpoch = 1;

/// What the lanes of a sender touch of a table on a node.
Rows count_rows(const ps::RowLayout& layout, const std::vector<ps::TouchedTables>& parts,
                std::size_t table, int node) {
  const RowRange there = layout.rows_of(table, node);
  std::vector<std::uint64_t> rows;
  for (const ps::TouchedTables& part : parts) {
    const auto some = ps::within(part.tables[table].rows, there);
    rows.insert(rows.end(), some.begin(), some.end());
  }
  std::ranges::sort(rows);
  Rows counted;
  for (auto at = rows.begin(); at != rows.end();) {
    const auto end = std::ranges::upper_bound(at, rows.end(), *at);
    counted.pulled += 1;
    const bool changes = layout.tables()[table].changes(*at);
    if (changes) (end - at == 1 ? counted.pushed : counted.summed) += 1;
    at = end;
  }
  return counted;
}

}  // namespace

std::uint64_t counted_row_traffic(const RowPlan& plan, const Config& config,
                                  const Dataset& dataset) {
  const auto model = plan.model(config, dataset, {});
  const auto lanes = worker::lanes_of(dataset.grid().strips(), plan.work.lanes);
  const std::uint64_t steps =
      steps_of_epoch(dataset.interactions(Part::train), plan.work.batches.batch);
  const std::uint64_t counted = std::min(steps, kCountedSteps);
  double bytes = 0;
  for (const Sender& sender : senders_of(plan, lanes)) {
    std::vector<worker::Lane> mine;
    for (const std::uint32_t lane : sender.lanes)
      mine.emplace_back(dataset, lanes[lane], plan.work.batches);
    std::vector<ps::TouchedTables> parts(mine.size());
    std::vector<std::uint64_t> drawn;
    ps::RowExamples examples;
    ps::RowIndex index;
    for (std::uint64_t n = 0; n < counted; ++n) {
      for (std::size_t l = 0; l < mine.size(); ++l) {
        const std::uint64_t step = n * steps / counted;
        mine[l].draw(kFirstEpoch, step, drawn);
        mine[l].examples(kFirstEpoch, step, drawn, examples);
        model->touch(examples, parts[l], index);
      }
      for (int node = 0; node < plan.layout.nodes(); ++node) {
        if (node == sender.node) continue;
        bytes += bytes_of_step(plan.layout, sender, [&](std::size_t t) {
          return count_rows(plan.layout, parts, t, node);
        });
      }
    }
  }
  return static_cast<std::uint64_t>(bytes /
                                    static_cast<double>(std::max<std::uint64_t>(counted, 1)) *
                                    static_cast<double>(steps));
}

std::uint64_t expected_row_traffic(const RowPlan& plan, const Grid& grid,
                                   const InteractionCounts& counts) {
  const Expectation expectation{plan, grid, counts};
  double bytes = 0;
  for (const Sender& sender : expectation.senders()) {
    for (int node = 0; node < plan.layout.nodes(); ++node) {
      if (node == sender.node) continue;
      bytes += bytes_of_step(plan.layout, sender,
                             [&](std::size_t t) { return expectation.rows(sender, t, node); });
    }
  }
  return static_cast<std::uint64_t>(bytes * expectation.steps());
}

}  // namespace factorps::apps
