/// What row_messages does in a round: mini-batches of random rows.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/random.hpp"
#include "common/waiter.hpp"
#include "ps/rows/distinct_rows.hpp"
#include "ps/rows/row_client.hpp"

namespace factorps::bench {

inline constexpr std::size_t kWidth = 64;
inline constexpr std::size_t kBytes = kWidth * sizeof(float);
inline constexpr std::uint64_t kBatch = 1024;  ///< rows of a step
inline constexpr std::uint64_t kSteps = 8;     ///< of a round
inline constexpr std::uint64_t kAhead = 2;     ///< steps that are asked for
inline constexpr double kTimeout = 60;         ///< seconds

/// The mini-batches of a round. As in training, few of them have memory for values and gradients,
/// which those that follow use again.
class Work {
 public:
  explicit Work(std::uint64_t rows) : rows_{rows} {
    for (auto& batch : batches_) {
      batch.resize(1);
      batch[0].tables.resize(1);
      batch[0].tables[0].gradients.assign(kBatch * kWidth, 0.01F);
    }
  }

  void draw(std::uint64_t round) {
    const RandomStream random{1, Purpose::generate};
    rows_of_round_ = 0;
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      std::vector<std::uint64_t>& rows = touched_[step];
      rows.clear();
      for (std::uint32_t n = 0; n < kBatch; ++n) {
        rows.push_back(random.below(rows_, round * kSteps + step, n));
      }
      ps::make_distinct(rows);
      rows_of_round_ += rows.size();
    }
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_of_round_; }
  [[nodiscard]] const std::vector<std::uint64_t>& rows(std::uint64_t step) const {
    return touched_[step];
  }

  void run(ps::RowClient& client) {
    Waiter waiter{kTimeout, kShortNap, kManyYields};
    const std::uint64_t first = client.step();
    for (std::uint64_t step = 0; step < kAhead; ++step) request(client, first, step);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      auto& batch = batches_[step % kAhead];
      while (!client.try_pull(batch)) waiter.pause("rows");
      waiter.progress();
      client.push(batch, kBatch);
      while (!client.try_finish()) waiter.pause("the step");
      waiter.progress();
      if (step + kAhead < kSteps) request(client, first, step + kAhead);
    }
  }

 private:
  void request(ps::RowClient& client, std::uint64_t first, std::uint64_t step) {
    auto& batch = batches_[step % kAhead];
    ps::TouchedRows& touched = batch[0].tables[0];
    touched.rows = touched_[step];
    touched.gradients.resize(touched.rows.size() * kWidth, 0.01F);
    client.request(first + step, batch);
  }

  std::uint64_t rows_;
  std::uint64_t rows_of_round_ = 0;
  std::array<std::vector<std::uint64_t>, kSteps> touched_;
  std::array<std::vector<ps::TouchedTables>, kAhead> batches_;
};

}  // namespace factorps::bench
