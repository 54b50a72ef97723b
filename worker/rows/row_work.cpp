#include "worker/rows/row_work.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "worker/at_work.hpp"
#include "worker/cell_errors.hpp"
#include "worker/rows/row_scorer.hpp"

namespace factorps::worker {
namespace {

constexpr std::uint64_t kAhead = 2;  // steps that are asked for, the one at work among them

std::vector<Lane> make_lanes(const Dataset& dataset, const ps::RowNode& node, std::size_t worker,
                             const RowWorkOptions& options) {
  const auto shares = lanes_of(dataset.grid().strips(), options.lanes);
  const auto mine = lanes_of_workers(shares, node.layout(), node.job().node_of_worker).at(worker);
  std::vector<Lane> lanes;
  for (const std::uint32_t lane : mine) lanes.emplace_back(dataset, shares[lane], options.batches);
  return lanes;
}

/// Users are touched by the lanes that have them alone. @param lanes neighbours
ps::RowWorker with_users(ps::RowWorker worker, const Grid& grid, const std::vector<Lane>& lanes) {
  if (!lanes.empty()) {
    worker.own = {grid.strip_begin[lanes.front().strips().begin],
                  grid.strip_begin[lanes.back().strips().end]};
  }
  return worker;
}

}  // namespace

RowWork::RowWork(comm::Transport& transport, const ps::RowNode& node, const ps::RowWorker& worker,
                 std::unique_ptr<ps::RowModel> model, const Dataset& dataset,
                 const RowWorkOptions& options)
    : node_{node},
      lanes_{make_lanes(dataset, node, worker.number, options)},
      client_{transport, node, with_users(worker, dataset.grid(), lanes_)},
      model_{std::move(model)},
      dataset_{dataset},
      options_{options},
      steps_{steps_of_epoch(dataset.interactions(Part::train), options.batches.batch)},
      step_sizes_{dataset, lanes_of(dataset.grid().strips(), options.lanes), options.batches},
      counter_{node.counter()},
      gate_{node.gate()},
      part_{node.part_of(worker.number)} {}

void RowWork::begin(const comm::StartPass& pass) {
  pass_ = pass;
  client_.begin(pass.learning_rate_factor);
  stage_ = Stage::idle;
  if (pass.kind == comm::PassKind::train) {
    begin_training();
  } else if (pass.kind == comm::PassKind::evaluate || pass.kind == comm::PassKind::rank) {
    all_items_ = {};
    counter_.begin(node_.units());
  } else {
    throw ProtocolError{"worker: a pass that row mode does not have"};
  }
}

/// Within an epoch the sums of the steps before are there.
void RowWork::begin_training() {
  if (pass_.first_step == 0) {
    for (const Lane& lane : lanes_) sums_of(lane) = {};
  }
  asked_ = computed_ = pass_.first_step;
  begin_ = client_.step();
  if (computed_ < steps_) stage_ = Stage::pull;
  ask_ahead();
}

std::optional<Piece> RowWork::try_piece() {
  return pass_.kind == comm::PassKind::train ? try_train() : try_unit();
}

bool RowWork::finished() const {
  if (pass_.kind == comm::PassKind::train) return stage_ == Stage::idle;
  return !unit_ && counter_.finished();
}

std::string RowWork::waits_for() const {
  if (pass_.kind != comm::PassKind::train) return "rows of other nodes, or other workers";
  if (stage_ == Stage::pull && batches_.empty()) {
    return fmt::format("the scheduler to say whether step {} is for later", computed_);
  }
  if (stage_ == Stage::pull) return fmt::format("the rows of step {}", computed_);
  return fmt::format("step {} to be applied everywhere", computed_);
}

void RowWork::ask_ahead() {
  while (asked_ < std::min(steps_, computed_ + kAhead) &&
         gate_.try_enter(part_, in_job(asked_), begin_)) {
    ask_for_step();
  }
}

void RowWork::ask_for_step() {
  if (spare_.empty()) spare_.emplace_back();
  Batch batch = std::move(spare_.back());
  spare_.pop_back();
  const std::size_t lanes = lanes_.size();
  batch.examples.resize(lanes);
  batch.index.resize(lanes);
  batch.touched.resize(lanes);
  batch.drawn.resize(lanes);
  // Of all lanes before the first is used: what they read misses the caches, but all at once.
  for (std::size_t l = 0; l < lanes; ++l) lanes_[l].draw(pass_.epoch, asked_, batch.drawn[l]);
  for (std::size_t l = 0; l < lanes; ++l) {
    lanes_[l].examples(pass_.epoch, asked_, batch.drawn[l], batch.examples[l]);
    model_->touch(batch.examples[l], batch.touched[l], batch.index[l]);
  }
  client_.request_together(in_job(asked_), batch.touched);
  batches_.push_back(std::move(batch));
  ++asked_;
}

/// A step is one piece, from the pull to the push; applying it comes after.
std::optional<Piece> RowWork::try_train() {
  if (stage_ == Stage::finish && client_.try_finish()) stage_ = Stage::pull;
  if (stage_ != Stage::pull) return std::nullopt;
  ask_ahead();
  if (ends_here()) stage_ = Stage::idle;
  if (batches_.empty()) {
    client_.advance();
    return std::nullopt;
  }
  if (!client_.try_pull(batches_.front().touched)) return std::nullopt;
  const std::uint64_t step = computed_++;
  const AtWork at_work{{Holding::Kind::step, pass_.epoch, static_cast<std::uint32_t>(step), 0}};
  const std::uint64_t interactions = compute(batches_.front());
  client_.push(batches_.front().touched, step_sizes_.examples(step));
  spare_.push_back(std::move(batches_.front()));
  batches_.pop_front();
  stage_ = Stage::finish;
  ask_ahead();
  return Piece{TraceKind::train_cell, 0, 0, interactions};
}

bool RowWork::ends_here() const {
  if (!batches_.empty()) return false;
  return computed_ == steps_ || gate_.pauses_before(in_job(computed_), begin_);
}

/// Sums are added up before the push, whose clock says that they are there.
std::uint64_t RowWork::compute(Batch& batch) {
  std::uint64_t interactions = 0;
  for (std::size_t l = 0; l < lanes_.size(); ++l) {
    ps::CellSums& sums = sums_of(lanes_[l]);
    sums[0] += static_cast<double>(batch.drawn[l].size());
    sums[1] += model_->gradient(batch.examples[l], batch.index[l], batch.touched[l]);
    interactions += batch.drawn[l].size();
  }
  return interactions;
}

ps::CellSums& RowWork::sums_of(const Lane& lane) const {
  return node_.sums(StripId{lane.strips().begin}, BlockId{0});
}

StripId RowWork::strip_of_unit() const {
  return StripId{node_.layout().blocks_of(0, node_.node()).begin +
                 static_cast<std::uint32_t>(unit_.value() / dataset_.grid().blocks())};
}
BlockId RowWork::block_of_unit() const {
  return BlockId{static_cast<std::uint32_t>(unit_.value() % dataset_.grid().blocks())};
}

std::optional<Piece> RowWork::try_unit() {
  const bool ranks = pass_.kind == comm::PassKind::rank;
  if (!unit_) {
    unit_ = counter_.take();
    if (!unit_) return std::nullopt;
    batches_.emplace_back();
    grow_batch(1);
    ranks ? ask_for_ranking() : ask_for_cell();
  }
  if (!client_.try_pull(batches_.front().touched)) return std::nullopt;
  const Piece piece = ranks ? rank_slice() : evaluate_cell();
  batches_.clear();
  unit_.reset();
  counter_.done();
  return piece;
}

void RowWork::grow_batch(std::size_t parts) {
  batches_.front().examples.resize(parts);
  batches_.front().index.resize(parts);
  batches_.front().touched.resize(parts);
}

void RowWork::ask_for_cell() {
  const Grid& grid = dataset_.grid();
  Batch& batch = batches_.front();
  const CellView cell =
      dataset_.cell(static_cast<Part>(pass_.part), strip_of_unit(), block_of_unit());
  const std::uint64_t first_user = grid.users_of(strip_of_unit()).begin;
  const std::uint64_t first_item = grid.items_of(block_of_unit()).begin;
  for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
    batch.examples[0].users.push_back(first_user + user);
    batch.examples[0].items.push_back(first_item + cell.items[n]);
    add_history(first_user + user, batch.examples[0]);
  });
  if (options_.batches.times) {
    const auto times =
        dataset_.times(static_cast<Part>(pass_.part), strip_of_unit(), block_of_unit());
    batch.examples[0].times.assign(times.begin(), times.end());
  }
  model_->touch(batch.examples[0], batch.touched[0], batch.index[0]);
  client_.request(client_.step(), batch.touched);
}

/// All that the user has in the training.
void RowWork::add_history(std::uint64_t user, ps::RowExamples& examples) {
  const BatchOptions& options = options_.batches;
  if (options.history == 0) return;
  if (!histories_ || !histories_->holds(user)) {
    const std::uint32_t strip = strip_of_unit().value();
    histories_.emplace(dataset_, ps::Share{strip, strip + 1}, options.history, options.seed);
  }
  auto& of = examples.history_of;
  const std::size_t n = of.size();
  const bool same = n > 0 && examples.users[n - 1] == user;
  if (!same) histories_->add_all(user, examples.histories);
  of.push_back(static_cast<std::uint32_t>(examples.histories.size() - 1));
}

Piece RowWork::evaluate_cell() {
  const Batch& batch = batches_.front();
  const StripId strip = strip_of_unit();
  const BlockId block = block_of_unit();
  predictions_.resize(batch.examples[0].users.size());
  model_->score(batch.examples[0], batch.index[0], batch.touched[0], predictions_);
  const CellView cell = dataset_.cell(static_cast<Part>(pass_.part), strip, block);
  node_.sums(strip, block) =
      to_cell_sums(errors_of_cell(dataset_, cell, strip, block, predictions_));
  return {TraceKind::evaluate_cell, strip.value(), block.value(), predictions_.size()};
}

/// The users of a slice; before the first one also all items, which stay for the pass.
void RowWork::ask_for_ranking() {
  to_rank_ =
      users_to_rank(dataset_, static_cast<Part>(pass_.part), strip_of_unit(), block_of_unit());
  Batch& batch = batches_.front();
  for (std::uint64_t user = to_rank_.users.begin; user < to_rank_.users.end; ++user) {
    if (to_rank_.wanted[user - to_rank_.users.begin].empty()) continue;
    batch.examples[0].users.push_back(user);
    if (options_.batches.times)
      batch.examples[0].times.push_back(to_rank_.times[user - to_rank_.users.begin]);
    add_history(user, batch.examples[0]);
  }
  if (all_items_.tables.empty() && !batch.examples[0].users.empty()) {
    grow_batch(2);
    batch.examples[1].items.resize(dataset_.grid().items());
    std::iota(batch.examples[1].items.begin(), batch.examples[1].items.end(), std::uint64_t{0});
  }
  for (std::size_t part = 0; part < batch.examples.size(); ++part)
    model_->touch(batch.examples[part], batch.touched[part], batch.index[part]);
  client_.request(client_.step(), batch.touched);
}

Piece RowWork::rank_slice() {
  if (batches_.front().touched.size() > 1) {
    all_items_ = std::move(batches_.front().touched[1]);
    model_->rank_items(all_items_);
  }
  const ps::TouchedTables& part = batches_.front().touched[0];
  const ps::TouchedRows& users = part.tables[0];
  const std::size_t width = model_->tables()[0].width;
  const auto factors_of = [&](std::uint64_t user) {
    const auto at = std::ranges::lower_bound(users.rows, user) - users.rows.begin();
    return std::span{users.values}.subspan(static_cast<std::size_t>(at) * width, width);
  };
  const RowScorer scorer{*model_, batches_.front().examples[0], part};
  const auto sums = rank_users(to_rank_, scorer, factors_of, options_.rank_at);
  node_.sums(strip_of_unit(), block_of_unit()) = sums;
  return {TraceKind::rank_users, strip_of_unit().value(), block_of_unit().value(),
          static_cast<std::uint64_t>(sums[0])};
}

}  // namespace factorps::worker
