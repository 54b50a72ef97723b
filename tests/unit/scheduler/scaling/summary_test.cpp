#include "scheduler/scaling/summary.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/files.hpp"
#include "scheduler/scaling/page.hpp"
#include "scheduler/scaling/pictures.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

/// Runs of three layouts on a machine with two cores; epochs take 1.0, 0.6 and 0.5 seconds.
class Scaling : public testing::Test {
 protected:
  Scaling() {
    config_.scaling.layouts = {"1x1", "1x2", "2x2"};
    config_.scaling.repetitions = 2;
    for (const ScalingRun& run : scaling_runs(config_)) add(run);
  }

  void add(const ScalingRun& run) {
    ScalingRecord record;
    record.run = run;
    record.facts = {2, 0.5};
    record.strips = 8;
    record.blocks = 4;
    record.workers = run.layout.all_workers();
    record.nodes = run.layout.nodes;
    record.hosts = {"here"};
    record.interactions = 1000;
    const double seconds = record.workers == 1 ? 1.0 : record.workers == 2 ? 0.6 : 0.5;
    record.epoch_seconds = {9, seconds, seconds, seconds, 0.1};
    record.time = {4.0 * record.workers, 1.0 * record.workers, 0, 0.5, 0.25};
    record.cpu_seconds = record.workers == 4 ? 6.25 : 5;
    record.block_bytes = record.nodes == 1 ? 0 : 8192;
    record.model_sha256 = "abc";
    record.fingerprint = "f";
    record.wire = "fp32";
    record.instruction_set = "avx2";
    record.started = "2026-01-01T00:00:00Z";
    record.identity = scaling_identity(config_, run);
    records_.push_back(record);
  }

  ScalingRecord& record(const std::string& id) {
    for (ScalingRecord& r : records_) {
      if (r.run.id() == id) return r;
    }
    throw std::runtime_error{"no run " + id};
  }

  Config config_;
  std::vector<ScalingRecord> records_;
};

TEST_F(Scaling, ComparesMediansWithTheSmallestLayout) {
  const ScalingSummary summary = summarise(config_, records_);
  ASSERT_EQ(summary.groups.size(), 1U);
  const auto& points = summary.groups[0].points;
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0].speed_up.value, 1);
  EXPECT_EQ(points[1].epoch_seconds, 0.6);
  EXPECT_NEAR(points[1].speed_up.value, 1 / 0.6, 1e-12);
  EXPECT_NEAR(points[1].efficiency.value, 1 / 0.6 / 2, 1e-12);
  EXPECT_NEAR(points[2].speed_up.value, 2, 1e-12);
  EXPECT_NEAR(points[2].cpu_efficiency.value, 0.8, 1e-12);
  EXPECT_EQ(points[2].bytes_per_node, 4096);
  EXPECT_NEAR(points[2].stalled, 0.2, 1e-12);
  EXPECT_NEAR(points[2].time.compute, 0.8, 1e-12);  // of one worker in one of five epochs
  EXPECT_NEAR(points[2].time.evaluate, 0.1, 1e-12);
}

TEST_F(Scaling, CountsWorkInWeakScaling) {
  for (ScalingRecord& r : records_) r.interactions = 1000U * static_cast<unsigned>(r.workers);
  const auto points = summarise(config_, records_).groups[0].points;
  EXPECT_NEAR(points[2].speed_up.value, 8, 1e-12);  // four times the work in half of the time
  EXPECT_NEAR(points[2].efficiency.value, 2, 1e-12);
}

TEST_F(Scaling, SaysWhereCoresAndNodesAreNotReal) {
  const ScalingSummary summary = summarise(config_, records_);
  const auto& points = summary.groups[0].points;
  EXPECT_FALSE(points[1].oversubscribed);
  EXPECT_TRUE(points[2].oversubscribed);
  EXPECT_TRUE(points[2].pretended);
  const std::string table = scaling_table(summary);
  EXPECT_NE(table.find("2x2 ! ~"), std::string::npos) << table;
  EXPECT_NE(table.find("! more workers than the 2 cores of a machine: 2x2"), std::string::npos);
  EXPECT_NE(file_of(scaling_pictures(summary)[0], summary).find("this machine has 2 cores"),
            std::string::npos);
}

TEST_F(Scaling, SaysThatOthersHadTheCores) {
  const auto says = [this] {
    return scaling_table(summarise(config_, records_)).find("load average up to") !=
           std::string::npos;
  };
  record("1x2-dim32-r1").facts.load_average = 6;  // two cores and its own four workers
  EXPECT_FALSE(says());
  record("1x2-dim32-r1").facts.load_average = 6.5;
  EXPECT_TRUE(says());
}

TEST_F(Scaling, FitsOnlyWhatHadACoreForEachWorker) {
  const ScalingGroup two = summarise(config_, records_).groups[0];
  EXPECT_FALSE(two.fit);
  EXPECT_NE(fit_sentence(two).find("no fit: 2 layouts"), std::string::npos) << fit_sentence(two);
  for (ScalingRecord& r : records_) r.facts.cores = 4;
  const ScalingGroup three = summarise(config_, records_).groups[0];
  ASSERT_TRUE(three.fit);
  EXPECT_EQ(three.fitted_runs, 6U);
  EXPECT_NEAR(three.fit->serial_fraction(), 0.2, 0.15);
}

TEST_F(Scaling, GroupsByDimAndGrid) {
  config_.scaling.layouts = {"1x1"};
  config_.scaling.dims = {8, 16};
  config_.scaling.grids = {"8x4", "4x4"};
  records_.clear();
  for (const ScalingRun& run : scaling_runs(config_)) add(run);
  const ScalingSummary summary = summarise(config_, records_);
  EXPECT_EQ(summary.groups.size(), 4U);
  EXPECT_EQ(summary.groups[0].points.size(), 1U);
}

TEST_F(Scaling, NamesAModelThatDiffers) {
  EXPECT_TRUE(summarise(config_, records_).disagreements.empty());
  record("2x2-dim32-r1").model_sha256 = "xyz";
  const auto found = summarise(config_, records_).disagreements;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("model SHA-256"), std::string::npos) << found[0];
  EXPECT_NE(found[0].find("xyz"), std::string::npos) << found[0];
}

TEST_F(Scaling, LetsModelsDifferWhereTheyMay) {
  for (ScalingRecord& r : records_) {
    r.wire = "bf16";
    if (r.nodes == 2) r.model_sha256 = "xyz";
  }
  EXPECT_TRUE(summarise(config_, records_).disagreements.empty());
  record("2x2-dim32-r1").model_sha256 = "uvw";
  EXPECT_EQ(summarise(config_, records_).disagreements.size(), 1U);
}

TEST_F(Scaling, NamesADatasetThatDiffers) {
  record("1x2-dim32-r2").fingerprint = "g";
  const auto found = summarise(config_, records_).disagreements;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("has dataset"), std::string::npos) << found[0];
}

TEST_F(Scaling, NamesRunsWithoutResult) {
  std::erase_if(records_, [](const auto& r) { return r.run.id() == "1x2-dim32-r2"; });
  const ScalingSummary summary = summarise(config_, records_);
  EXPECT_EQ(summary.missing, std::vector<std::string>{"1x2-dim32-r2"});
  EXPECT_NE(scaling_table(summary).find("1 of 6 runs have no result: 1x2-dim32-r2"),
            std::string::npos);
}

TEST_F(Scaling, RecordsSurviveTheirFiles) {
  const test::TemporaryDirectory directory;
  for (const ScalingRecord& r : records_) {
    directory.write("runs/" + r.run.id() + ".json", to_json(r).dump());
  }
  const auto again = read_records(directory.path(), config_);
  ASSERT_EQ(again.size(), records_.size());
  EXPECT_EQ(to_json(again[3]), to_json(records_[3]));
  EXPECT_EQ(to_json(summarise(config_, again)), to_json(summarise(config_, records_)));
  ++config_.train.epochs;
  EXPECT_THROW(static_cast<void>(read_records(directory.path(), config_)), ConfigError);
  directory.write("runs/" + records_[0].run.id() + ".json", "{}");
  EXPECT_THROW(static_cast<void>(read_records(directory.path(), config_)), DataError);
}

TEST_F(Scaling, DrawsAPointPerLayout) {
  const auto pictures = scaling_pictures(summarise(config_, records_));
  ASSERT_EQ(pictures.size(), 4U);
  for (const Picture& picture : pictures) {
    EXPECT_EQ(picture.chart.find("nan"), std::string::npos) << picture.chart;
    EXPECT_EQ(picture.chart.find("inf"), std::string::npos) << picture.chart;
  }
  EXPECT_NE(pictures[0].chart.find(">2x2</text>"), std::string::npos) << pictures[0].chart;
}

TEST_F(Scaling, EscapesEveryText) {
  for (ScalingRecord& r : records_) {
    r.hosts = {"<x1>"};
    r.model_sha256 = "<x2>";
  }
  const std::string page = scaling_page(summarise(config_, records_), "<x3>", "<x4>");
  EXPECT_EQ(page.find("<x"), std::string::npos);
  for (const char* text : {"&lt;x1", "&lt;x2", "&lt;x3", "&lt;x4"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace factorps::scheduler
