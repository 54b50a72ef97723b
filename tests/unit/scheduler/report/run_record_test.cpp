#include "scheduler/report/run_record.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "scheduler/report/page.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

/// @param more further members of the object
std::string line(int epoch, int workers, const std::string& more = "") {
  std::string list;
  for (int w = 0; w < workers; ++w) {
    list += std::string{w > 0 ? "," : ""} +
            R"({"cells":4,"interactions":10,"compute_seconds":6,"wait_turn_seconds":4,)"
            R"("wait_block_seconds":0,"cpu_seconds":9})";
  }
  return R"({"epoch":)" + std::to_string(epoch) +
         R"(,"train_rmse":0.5,"learning_rate_factor":1,"seconds":{"train":10,"evaluate":1,)"
         R"("checkpoint":2},"block_bytes":{"train":7,"evaluate":8},"workers":[)" +
         list + "]" + more + "}\n";
}

class ReadRun : public testing::Test {
 protected:
  void SetUp() override { directory_.write("config.toml", "[data]\ndataset = 'gone.h5'\n"); }
  void write(const std::string& metrics) const { directory_.write("metrics.jsonl", metrics); }
  [[nodiscard]] std::string error() const {
    try {
      static_cast<void>(read_run(directory_.path()));
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }
  test::TemporaryDirectory directory_;
};

TEST_F(ReadRun, ReadsEpochsOfAnUnfinishedRun) {
  write(line(1, 2, R"(,"validation":{"rmse":0.9,"mae":0.7},"best":true)") + line(2, 2));
  const RunRecord run = read_run(directory_.path());
  ASSERT_EQ(run.epochs.size(), 2U);
  EXPECT_EQ(run.epochs[0].validation, 0.9);
  EXPECT_TRUE(run.epochs[0].best);
  EXPECT_FALSE(run.epochs[1].validation);
  EXPECT_EQ(run.epochs[1].checkpoint_seconds, 2);
  EXPECT_EQ(run.epochs[1].evaluate_block_bytes, 8);
  EXPECT_EQ(run.summary, "");
}

TEST_F(ReadRun, SumsTheLastEpochsThatHadTheSameWorkers) {
  write(line(1, 3) + line(2, 2) + line(3, 2));
  const RunRecord run = read_run(directory_.path());
  ASSERT_EQ(run.workers.size(), 2U);
  EXPECT_EQ(run.workers[1].compute_seconds, 12);
  EXPECT_EQ(run.summed, "epochs 2 to 3");
  EXPECT_EQ(run.largest_loss,  // without the dataset, no word about the grid
            "the 2 workers waited 40 % of the time (worker 0 most: 40 %) for turns and for one "
            "another");
}

TEST_F(ReadRun, TakesTimesOfAFinishedRunFromItsSummary) {
  write(line(1, 3));
  directory_.write("summary.json", R"({"time":{"workers":[{"cells":1,"interactions":1,)"
                                   R"("compute_seconds":5,"wait_turn_seconds":0,)"
                                   R"("wait_block_seconds":0,"cpu_seconds":5}],)"
                                   R"("largest_loss":"a sentence"}})");
  const RunRecord run = read_run(directory_.path());
  EXPECT_EQ(run.workers.size(), 1U);
  EXPECT_EQ(run.largest_loss, "a sentence");
}

TEST_F(ReadRun, NamesTheDamagedLine) {
  const std::string metrics = (directory_ / "metrics.jsonl").string();
  write(line(1, 1) + line(2, 1).substr(0, 50));
  EXPECT_EQ(error(), metrics + ":2: damaged, expected a whole JSON object");
  write("{\"epoch\":1}\n" + line(2, 1));
  EXPECT_EQ(error().rfind(metrics + ":1: damaged: ", 0), 0U) << error();
  EXPECT_NE(error().find("train_rmse"), std::string::npos) << error();
  write(line(1, 1) + "\n");
  EXPECT_EQ(error(), metrics + ":2: damaged, expected a whole JSON object");
  write("");
  EXPECT_EQ(error(), metrics + ": is empty, expected a line per epoch: has the first epoch ended?");
}

TEST_F(ReadRun, NamesADamagedSummary) {
  write(line(1, 1));
  directory_.write("summary.json", "{");
  EXPECT_EQ(error(),
            (directory_ / "summary.json").string() + ": damaged, expected a whole JSON object");
}

TEST_F(ReadRun, SaysWhatIsMissing) {
  EXPECT_NE(error().find("holds no metrics.jsonl, expected the directory of a run"),
            std::string::npos)
      << error();
  EXPECT_THROW(static_cast<void>(read_run(directory_ / "none")), DataError);
}

TEST_F(ReadRun, MakesAPageThatEscapesEveryText) {
  write(line(1, 1));
  directory_.write("summary.json",
                   R"({"time":{"workers":[],"largest_loss":"<x1>"},"hosts":["<x2>"],"started":)"
                   R"("<x3>","dataset":{"path":"<x4>&"},"versions":{"<x5>":"<x6>"},)"
                   R"("slurm":{"SLURM_JOB_NAME":"<x7>"},"model":"<x8>","test":{"rmse":"<x9>"}})");
  directory_.write("config.toml", "# <x0>\n");
  const std::string page = report_page(read_run(directory_.path()));
  EXPECT_EQ(page.find("<x"), std::string::npos) << page.substr(page.find("<x"), 80);
  for (const char* digit : {"0", "2", "3", "4", "5", "6", "7", "8", "9"}) {
    EXPECT_NE(page.find(std::string{"&lt;x"} + digit + "&gt;"), std::string::npos) << digit;
  }
}

TEST_F(ReadRun, MakesAPageOfAnUnfinishedRunWithoutEvaluations) {
  write(line(1, 1));
  const std::string page = report_page(read_run(directory_.path()));
  EXPECT_NE(page.find("not finished: 1 epoch so far"), std::string::npos);
  EXPECT_NE(page.find("No epoch was evaluated."), std::string::npos);
}

}  // namespace
}  // namespace factorps::scheduler
