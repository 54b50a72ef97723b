/// Training by mini-batches over rows that are pulled and pushed.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "ps/rows/row_client.hpp"
#include "ps/rows/row_model.hpp"
#include "worker/rank_users.hpp"
#include "worker/rows/lane.hpp"
#include "worker/work.hpp"

namespace factorps::worker {

struct RowWorkOptions {
  BatchOptions batches;
  std::uint32_t lanes = 16;
  std::uint64_t rank_at = 0;  ///< K of ranking metrics
};

class RowWork : public Work {
 public:
  /// References must outlive the object.
  RowWork(comm::Transport& transport, const ps::RowNode& node, const ps::RowWorker& worker,
          std::unique_ptr<ps::RowModel> model, const Dataset& dataset,
          const RowWorkOptions& options);

  void begin(const comm::StartPass& pass) override;
  [[nodiscard]] std::optional<Piece> try_piece() override;
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] std::string waits_for() const override;
  [[nodiscard]] bool starved() const override { return client_.asks_others(); }
  [[nodiscard]] comm::RowTraffic traffic() const override { return client_.traffic(); }

 private:
  /// A mini-batch of this worker, asked for.
  struct Batch {
    std::vector<std::vector<std::uint64_t>> drawn;  // [lane] interactions
    std::vector<ps::RowExamples> examples;          // [lane]
    std::vector<ps::RowIndex> index;                // [lane]
    std::vector<ps::TouchedTables> touched;         // [lane]
  };
  enum class Stage : std::uint8_t { pull, finish, idle };

  void begin_training();
  void ask_ahead();
  void ask_for_step();
  [[nodiscard]] std::optional<Piece> try_train();
  [[nodiscard]] bool ends_here() const;
  [[nodiscard]] std::uint64_t compute(Batch& batch);
  /// Interactions and loss of the epoch so far, where the server looks for them.
  [[nodiscard]] ps::CellSums& sums_of(const Lane& lane) const;
  /// A step of the epoch, counted since the start of the job.
  [[nodiscard]] std::uint64_t in_job(std::uint64_t step) const {
    return begin_ + step - pass_.first_step;
  }
  [[nodiscard]] std::optional<Piece> try_unit();
  void grow_batch(std::size_t parts);
  void ask_for_cell();
  [[nodiscard]] Piece evaluate_cell();
  void ask_for_ranking();
  [[nodiscard]] Piece rank_slice();
  void add_history(std::uint64_t user, ps::RowExamples& examples);
  [[nodiscard]] StripId strip_of_unit() const;
  [[nodiscard]] BlockId block_of_unit() const;

  const ps::RowNode& node_;
  std::vector<Lane> lanes_;
  ps::RowClient client_;
  std::unique_ptr<ps::RowModel> model_;
  const Dataset& dataset_;
  RowWorkOptions options_;
  std::uint64_t steps_;  // of an epoch
  StepSizes step_sizes_;
  ps::UnitCounter counter_;
  ps::RowGate gate_;
  std::size_t part_;  // of the workers of this node
  comm::StartPass pass_;
  std::uint64_t begin_ = 0;  // of the pass: steps of the job before
  Stage stage_ = Stage::idle;
  std::uint64_t asked_ = 0;            // steps of the epoch
  std::uint64_t computed_ = 0;         // steps of the epoch
  std::deque<Batch> batches_;          // oldest first
  std::vector<Batch> spare_;           // memory of batches that are done
  std::optional<std::uint64_t> unit_;  // of a pass that only looks, asked for
  std::vector<float> predictions_;
  UsersToRank to_rank_;
  ps::TouchedTables all_items_;                 // of a ranking pass, once they were pulled
  std::optional<ps::UserHistories> histories_;  // of the strip that was looked at last, if wanted
};

}  // namespace factorps::worker
