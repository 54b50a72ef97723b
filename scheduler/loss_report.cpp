#include "scheduler/loss_report.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "scheduler/plan.hpp"

namespace factorps::scheduler {
namespace {

using comm::WorkerDone;
using Workers = std::span<const WorkerDone>;
using Seconds = double (*)(const WorkerDone&);

/// Less than this share of the time is not worth a cause.
constexpr double kNothing = 0.02;
constexpr std::size_t kMostLines = 16;

double wait_turn(const WorkerDone& w) { return w.wait_turn_seconds; }
double wait_block(const WorkerDone& w) { return w.wait_block_seconds; }
double compute(const WorkerDone& w) { return w.compute_seconds; }
/// Inside cells, but not on a core. CPU time of waiting hides some of it.
double displaced(const WorkerDone& w) { return std::max(0.0, w.compute_seconds - w.cpu_seconds); }

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }
double share_of(const WorkerDone& w, Seconds of) { return share(of(w), total_seconds(w)); }
double share_of(Workers workers, Seconds of) {
  double part = 0;
  double whole = 0;
  for (const WorkerDone& w : workers) {
    part += of(w);
    whole += total_seconds(w);
  }
  return share(part, whole);
}

void add(WorkerDone& sum, const WorkerDone& w) {
  sum.cells += w.cells;
  sum.interactions += w.interactions;
  sum.compute_seconds += w.compute_seconds;
  sum.wait_turn_seconds += w.wait_turn_seconds;
  sum.wait_block_seconds += w.wait_block_seconds;
  sum.cpu_seconds += w.cpu_seconds;
  sum.rows += w.rows;
}

std::string percent(double share) {
  return fmt::format("{:.{}f} %", 100 * share, share < 0.0995 && share > 0 ? 1 : 0);
}

std::string line(const std::string& name, const WorkerDone& w) {
  std::string text = fmt::format("{:<7}", name);
  for (const Seconds of : {compute, wait_turn, wait_block}) {
    text += fmt::format("  {:>9.2f} s {:>5.1f} %", of(w), 100 * share_of(w, of));
  }
  return text + fmt::format("  {:>9.2f} s\n", total_seconds(w));
}

/// The worker that lost the largest share of its time so.
std::size_t worst(Workers workers, Seconds of) {
  const auto less = [of](const WorkerDone& a, const WorkerDone& b) {
    return share_of(a, of) < share_of(b, of);
  };
  return static_cast<std::size_t>(std::ranges::max_element(workers, less) - workers.begin());
}

/// "4 workers waited 23 % of the time, worker 2 most (31 %)", or of the only one.
std::string who(Workers workers, const char* did, Seconds of) {
  if (workers.size() == 1) {
    return fmt::format("the only worker {} {} of the time", did, percent(share_of(workers, of)));
  }
  const std::size_t most = worst(workers, of);
  return fmt::format("the {} workers {} {} of the time (worker {} most: {})", workers.size(), did,
                     percent(share_of(workers, of)), most, percent(share_of(workers[most], of)));
}

/// Workers that a chain holding this share of the work leaves busy, rounded to the nearest.
std::string busy(double share) {
  const double workers = 1 / share;
  return fmt::format("{:.{}f}", workers, workers < 10 ? 1 : 0);
}

/// What of the grid keeps so many workers from being busy; empty if nothing does.
std::string cause_in_grid(std::size_t workers, const GridLimit& grid) {
  if (grid.strips == 0) return {};
  const std::uint32_t side = std::min(grid.strips, grid.blocks);
  if (workers > side) {
    return fmt::format("a grid of {} strips x {} blocks keeps no more than {} of {} workers busy",
                       grid.strips, grid.blocks, side, workers);
  }
  if (static_cast<double>(workers) * grid.critical_path < 1) return {};
  const double heaviest = std::max(grid.heaviest_strip, grid.heaviest_block);
  // A chain is at least as long as the heaviest strip or block: that one is the cause if they are
  // close.
  const bool one = heaviest > 0.95 * grid.critical_path;
  const char* what = !one                                         ? "the longest chain of cells"
                     : grid.heaviest_block >= grid.heaviest_strip ? "the heaviest block"
                                                                  : "the heaviest strip";
  const double held = one ? heaviest : grid.critical_path;
  return fmt::format("{} holds {} of the interactions: no more than {} workers can be busy", what,
                     percent(held), busy(held));
}

std::string turn_sentence(Workers workers, const GridLimit& grid) {
  const std::string waited = who(workers, "waited", wait_turn) + " for turns and for one another";
  const std::string cause = cause_in_grid(workers.size(), grid);
  return cause.empty() ? waited : cause + "; " + waited;
}

}  // namespace

GridLimit grid_limit(const Grid& grid, const std::vector<std::uint64_t>& cells,
                     std::uint64_t seed) {
  std::vector<std::uint64_t> strips(grid.strips());
  std::vector<std::uint64_t> blocks(grid.blocks());
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      const std::uint64_t n = cells[grid.cell_index(StripId{s}, BlockId{b})];
      strips[s] += n;
      blocks[b] += n;
    }
  }
  const auto all =
      static_cast<double>(std::accumulate(cells.begin(), cells.end(), std::uint64_t{0}));
  const auto part = [all](std::uint64_t n) { return share(static_cast<double>(n), all); };
  return {grid.strips(), grid.blocks(), part(std::ranges::max(strips)),
          part(std::ranges::max(blocks)), part(critical_path(grid, cells, seed))};
}

GridLimit grid_limit(const Dataset& dataset, std::uint64_t seed) {
  return grid_limit(dataset.grid(), dataset.cell_sizes(Part::train), seed);
}

void add_pass(std::vector<WorkerDone>& sums, Workers pass) {
  sums.resize(std::max(sums.size(), pass.size()));
  for (std::size_t w = 0; w < pass.size(); ++w) add(sums[w], pass[w]);
}

double total_seconds(const WorkerDone& worker) noexcept {
  return worker.compute_seconds + worker.wait_turn_seconds + worker.wait_block_seconds;
}

std::vector<std::size_t> workers_to_show(Workers workers) {
  std::vector<std::size_t> shown(workers.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (shown.size() <= kMostLines) return shown;
  std::ranges::stable_sort(shown, {}, [&](std::size_t w) { return share_of(workers[w], compute); });
  shown.resize(kMostLines);
  return shown;
}

std::string time_table(Workers workers) {
  if (workers.empty()) return {};
  const std::vector<std::size_t> shown = workers_to_show(workers);
  WorkerDone all;
  for (const WorkerDone& w : workers) add(all, w);
  std::string table = fmt::format("{:<7}  {:>19}  {:>19}  {:>19}  {:>11}\n", "worker", "compute",
                                  "wait for a turn", "wait for a block", "in all");
  for (const std::size_t w : shown) table += line(std::to_string(w), workers[w]);
  if (workers.size() > 1) table += line("all", all);
  if (shown.size() < workers.size()) {
    table += fmt::format("({} workers that computed more are not shown)\n",
                         workers.size() - shown.size());
  }
  return table;
}

std::string largest_loss(Workers workers, const GridLimit& limit) {
  const double turn = share_of(workers, wait_turn);
  const double block = share_of(workers, wait_block);
  const double others = share_of(workers, displaced);
  if (workers.empty()) return "nothing was trained";
  if (std::max({turn, block, others}) < kNothing) {
    return fmt::format("{}: nothing to gain from waiting less", who(workers, "computed", compute));
  }
  if (turn >= block && turn >= others) return turn_sentence(workers, limit);
  if (block >= others) return who(workers, "waited", wait_block) + " for blocks of other nodes";
  return who(workers, "had a cell but no core", displaced) +
         ": other processes or threads had the cores, or the data had to be read";
}

}  // namespace factorps::scheduler
