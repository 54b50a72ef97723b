#include "scheduler/run_directory.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

class RunDirectoryOf : public testing::Test {
 protected:
  void checkpoint() const {
    const auto& store = run_.checkpoints();
    store.commit(store.begin(1), {1, "data", "identity", "avx2", "{}", {}});
  }
  test::TemporaryDirectory directory_;
  RunDirectory run_{directory_ / "a/run"};
};

TEST_F(RunDirectoryOf, IsCreated) {
  EXPECT_TRUE(std::filesystem::is_directory(directory_ / "a/run"));
  const auto file = directory_.write("file", "");
  EXPECT_THROW(RunDirectory{file / "run"}, ResourceError);
}

TEST_F(RunDirectoryOf, HoldsAnUnfinishedRunFromTheFirstCheckpointToTheSummary) {
  EXPECT_FALSE(run_.holds_unfinished_run());
  checkpoint();
  EXPECT_TRUE(run_.holds_unfinished_run());
  run_.write_summary("{}");
  EXPECT_FALSE(run_.holds_unfinished_run());
  run_.reopen_after(1);  // a finished run that gets more epochs
  EXPECT_TRUE(run_.holds_unfinished_run());
}

TEST_F(RunDirectoryOf, ClearsAllButTheModelAndTheLog) {
  checkpoint();
  run_.append_metrics("{}");
  run_.write_summary("{}");
  directory_.write("a/run/model.h5", "model");
  run_.clear();
  run_.clear();  // nothing is there
  EXPECT_FALSE(std::filesystem::exists(run_.path() / "checkpoints"));
  EXPECT_FALSE(std::filesystem::exists(run_.path() / "metrics.jsonl"));
  EXPECT_FALSE(std::filesystem::exists(run_.path() / "summary.json"));
  EXPECT_TRUE(std::filesystem::exists(run_.path() / "model.h5"));
}

TEST_F(RunDirectoryOf, LeavesFilesOfOthersAmongTheCheckpoints) {
  checkpoint();
  directory_.write("a/run/checkpoints/mine.txt", "mine");
  run_.clear();
  EXPECT_TRUE(run_.checkpoints().list().empty());
  EXPECT_TRUE(std::filesystem::exists(run_.path() / "checkpoints/mine.txt"));
}

TEST_F(RunDirectoryOf, DropsMetricsOfLaterEpochsAndBrokenLines) {
  run_.reopen_after(2);  // nothing is there
  for (const char* line : {R"({"epoch":1})", R"({"epoch":2,"a":0})", R"({"epoch":3})", "[1]",
                           R"({"epoch":"1"})", R"({"no":1})", R"({"epoch":2,"a")"}) {
    run_.append_metrics(line);
  }
  run_.reopen_after(2);
  EXPECT_EQ(test::read_text(run_.path() / "metrics.jsonl"),
            "{\"epoch\":1}\n{\"epoch\":2,\"a\":0}\n");
}

TEST_F(RunDirectoryOf, LogsLinesWithTheTime) {
  run_.log("hello");
  const std::string text = test::read_text(run_.path() / "log.txt");
  EXPECT_EQ(text.size(), std::string{"2026-01-01T00:00:00+00:00 hello\n"}.size()) << text;
  EXPECT_EQ(text.find(" hello\n"), text.size() - 7);
}

TEST_F(RunDirectoryOf, NamesTheFileThatCannotBeWritten) {
  std::filesystem::create_directory(run_.path() / "metrics.jsonl");
  try {
    run_.append_metrics("{}");
    ADD_FAILURE();
  } catch (const ResourceError& error) {
    EXPECT_NE(std::string{error.what()}.find("metrics.jsonl"), std::string::npos);
  }
}

}  // namespace
}  // namespace factorps::scheduler
