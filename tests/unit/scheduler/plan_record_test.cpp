#include "scheduler/plan_record.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

using Json = nlohmann::ordered_json;

/// 10 users in 2 strips, 6 items in 3 blocks, 21 interactions, 2 workers.
Json stored_plan() {
  PlanInput input;
  input.grid = {{0, 5, 10}, {0, 2, 4, 6}};
  input.cells = {1, 2, 3, 4, 5, 6};
  input.dim = 16;
  input.tables_bytes = input.tables_in_all = 1000;
  input.workers = input.ranks = 2;
  input.work = 15;
  return Json::parse(plan_record(input, make_plan(input)).dump());
}

EpochRecord epoch(double seconds, double compute_seconds, double memory, std::size_t workers = 2) {
  EpochRecord record;
  record.train_seconds = seconds;
  record.memory_held = memory;
  record.workers.resize(workers);
  for (auto& worker : record.workers) {
    worker.interactions = 10;
    worker.compute_seconds = compute_seconds;
  }
  return record;
}

/// A run in a directory of its own.
class PlanCheck : public testing::Test {
 protected:
  PlanCheck() { run_.path = directory_.path(); }

  test::TemporaryDirectory directory_;
  RunRecord run_;
};

TEST_F(PlanCheck, PutsMeasurementsBesidePredictions) {
  constexpr double held = 1000 + 2.0 * kRankBytes + kServerBytes + 16 * (16 * 4 + 8);
  run_.epochs = {epoch(9, 5, held), epoch(30, 1, 2 * held), epoch(10, 1, held), epoch(12, 1, held)};
  directory_.write("model.h5", std::string(500, 'x'));
  const Json check = plan_check(stored_plan(), run_);
  EXPECT_EQ(check["memory"], (Json{{"predicted", held}, {"measured", 2 * held}, {"ratio", 2.0}}));
  EXPECT_EQ(check["bytes_per_epoch"],
            (Json{{"predicted", 0.0}, {"measured", 0.0}, {"ratio", nullptr}}));
  // 15 interactions of a worker at the first epoch's half second each; the median of the others.
  EXPECT_EQ(check["epoch_seconds"], (Json{{"predicted", 7.5}, {"measured", 12.0}, {"ratio", 1.6}}));
  EXPECT_EQ(check["model"]["measured"], 500.0);
  EXPECT_FALSE(check.contains("checkpoint"));
}

TEST_F(PlanCheck, LooksAtTheLastJobOnly) {
  run_.epochs = {epoch(90, 50, 9e9, 3), epoch(9, 4, 1000), epoch(10, 4, 1000)};
  const Json check = plan_check(stored_plan(), run_);
  EXPECT_EQ(check["epoch_seconds"]["predicted"], 6.0);
  EXPECT_EQ(check["memory"]["measured"], 1000.0);
}

TEST_F(PlanCheck, SaysNothingAboutWhatHasNotHappened) {
  run_.epochs = {epoch(9, 5, 0)};
  const Json check = plan_check(stored_plan(), run_);
  EXPECT_FALSE(check.contains("epoch_seconds"));
  EXPECT_FALSE(check.contains("memory"));
}

TEST_F(PlanCheck, NamesADamagedPlan) {
  run_.epochs = {epoch(9, 5, 100)};
  EXPECT_THROW(static_cast<void>(plan_check(Json::object(), run_)), DataError);
}

}  // namespace
}  // namespace factorps::scheduler
