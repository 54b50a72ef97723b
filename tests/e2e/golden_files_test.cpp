/// Files that earlier versions wrote: every later version must load them, to the bit.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/factorps.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {
namespace {

const std::filesystem::path kGolden = FACTORPS_GOLDEN_FILES;

class GoldenFiles : public testing::Test {
 protected:
  /// Makes the model of a checkpoint that is two epochs old, without training. @return its SHA-256
  std::string model_of(const std::string& checkpoint, const std::vector<std::string>& settings) {
    std::vector<std::string> arguments{"train",
                                       kGolden / "golden.toml",
                                       "--json",
                                       "--resume",
                                       kGolden / checkpoint,
                                       "--set",
                                       "run.dir=" + (directory_ / checkpoint).string()};
    for (const auto& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
    const ProgramResult result = factorps(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    if (result.exit_code != 0) return {};
    return nlohmann::json::parse(result.out).at("model_sha256");
  }

  TemporaryDirectory directory_;
};

TEST_F(GoldenFiles, CheckpointsOfBlocksLoad) {
  for (const char* checkpoint : {"checkpoint-v2", "checkpoint-v3"}) {
    EXPECT_EQ(model_of(checkpoint, {}),
              "5292a2523e0e6b69af71091c97006fa608faa6d1a922d16db5b9e635ad187ea7")
        << checkpoint;
  }
}

/// One epoch and one of two steps: what is left makes the same model.
TEST_F(GoldenFiles, CheckpointsOfWithinAnEpochGoOn) {
  EXPECT_EQ(model_of("checkpoint-v3-within", {}),
            "5292a2523e0e6b69af71091c97006fa608faa6d1a922d16db5b9e635ad187ea7");
}

TEST_F(GoldenFiles, CheckpointsOfRowModeLoad) {
  for (const char* checkpoint : {"rows-checkpoint-v2", "rows-checkpoint-v3"}) {
    EXPECT_EQ(model_of(checkpoint, {"train.solver=rows", "train.loss=squared"}),
              "b5c6213d21629ee7f11aced039def415e171b12cd25e450014b5637e1303d4e8")
        << checkpoint;
  }
}

/// One epoch and one step of three, with what was lost in it.
TEST_F(GoldenFiles, CheckpointsOfRowModeWithinAnEpochGoOn) {
  const std::string checkpoint = "rows-checkpoint-v3-within";
  EXPECT_EQ(model_of(checkpoint, {"train.solver=rows", "train.loss=squared", "rows.batch=4"}),
            "e1ec6f0cc4f2a51d465e578be0563e67b4c8aaf7681e898f1495e51c740044b8");
  const auto line = nlohmann::json::parse(read_text(directory_ / checkpoint / "metrics.jsonl"));
  EXPECT_EQ(line["epoch"], 2);
  EXPECT_EQ(line["train_rmse"], 1.3182572217240545);
}

TEST_F(GoldenFiles, DatasetsLoad) {
  const ProgramResult result = factorps({"inspect", kGolden / "dataset-v1.h5", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["fingerprint"],
            "325d6729c7a8a3d96b2e79a6f821a162a8f6b7718adec3f811ea3246c451bc2a");
  EXPECT_EQ(json["interactions"]["train"], 11);
}

TEST_F(GoldenFiles, AreVerified) {
  for (const char* checkpoint :
       {"checkpoint-v2", "checkpoint-v3", "checkpoint-v3-within", "rows-checkpoint-v2",
        "rows-checkpoint-v3", "rows-checkpoint-v3-within"}) {
    const ProgramResult result = factorps({"inspect", "--verify", kGolden / checkpoint, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(nlohmann::json::parse(result.out)["usable"], true) << result.out;
  }
}

}  // namespace
}  // namespace factorps::test
