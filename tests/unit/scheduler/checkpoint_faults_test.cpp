/// Writes, syncs and renames of checkpoints that fail, one at a time. With FACTORPS_DRILLS=1 every
/// one, else a sample.
#include <cstdlib>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/faults.hpp"
#include "tests/unit/scheduler/trainer_fixture.hpp"

namespace factorps::scheduler {
namespace {

class CheckpointFaults : public TrainerOf {
 protected:
  CheckpointFaults() {
    config_.train.epochs = 4;
    config_.checkpoint.keep = 1;
    config_.evaluate.keep = "last";  // so that no best epoch is there to help
    expected_ = hash_of(train("whole", {1, 1}));
    EXPECT_EQ(train("base", {1, 1}, std::nullopt, 1).exit_code, ExitCode::stopped_early);
  }
  ~CheckpointFaults() override { install_faults(nullptr); }

  /// Goes on from the checkpoint of epoch 1 with this fault; then a good checkpoint must be there,
  /// and lead to the right model. @return whether the training failed
  bool survives(const std::string& fault, bool background) {
    std::filesystem::remove_all(directory_ / "run");
    std::filesystem::copy(
        directory_ / "base", directory_ / "run",
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    config_.checkpoint.background = background;
    bool failed = false;
    install_faults(std::make_unique<Faults>(parse_faults(fault), 0));
    try {
      static_cast<void>(train("run", {2, 1}, newest("run")));
    } catch (const ResourceError&) {
      failed = true;
    }
    install_faults(nullptr);
    const auto point = newest("run");
    EXPECT_TRUE(point) << fault;
    if (!point) return failed;
    EXPECT_NO_THROW(static_cast<void>(verify_checkpoint(point->checkpoint))) << fault;
    EXPECT_EQ(hash_of(train("run", {1, 1}, point)), expected_) << fault;
    return failed;
  }

  bool all_ = std::getenv("FACTORPS_DRILLS") != nullptr;
  std::string expected_;
};

TEST_F(CheckpointFaults, LeaveAGoodCheckpointWhateverWriteSyncOrRenameFails) {
  for (const bool background : {true, false}) {
    for (const std::string operation : {"write", "sync", "rename"}) {
      const int stride = all_ || operation == "rename" ? 1 : operation == "sync" ? 5 : 61;
      int failures = 0;
      // Until the training does less than so many; the link `latest` may fail without harm.
      int n = 1;
      for (int without = 0; without < (all_ ? 5 : 2); n += stride) {
        const bool failed = survives(
            "fail " + operation + "=" + std::to_string(n) + " path=checkpoints", background);
        failures += failed ? 1 : 0;
        without = failed ? 0 : without + 1;
      }
      EXPECT_GT(failures, 2) << operation;
      std::printf("%s %s: %d positions failed, a good checkpoint was there each time\n",
                  background ? "background" : "waiting", operation.c_str(), failures);
    }
  }
}

TEST_F(CheckpointFaults, LeaveAGoodCheckpointWhereverTheDiskIsFull) {
  int failures = 0;
  for (int bytes = 0; bytes < 60'000; bytes += all_ ? 500 : 19'700) {
    failures += survives("fill bytes=" + std::to_string(bytes) + " path=checkpoints", true) ? 1 : 0;
  }
  EXPECT_GT(failures, 2);
}

}  // namespace
}  // namespace factorps::scheduler
