/// `factorps bench scaling` with the real launcher, and with stand-ins for one.
#include <gtest/gtest.h>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Scaling : public Training {
 protected:
  void SetUp() override {
    Training::SetUp();
    launcher_ = FACTORPS_MPIRUN;
  }

  /// `bench scaling` with these layouts once each, in DIRECTORY/scaling.
  [[nodiscard]] ProgramResult bench(const std::string& layouts, const Settings& settings = {},
                                    const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> words{"bench", "scaling", config_};
    words.insert(words.end(), flags.begin(), flags.end());
    Settings all{"run.dir=" + (directory_ / "scaling").string(), "scaling.layouts=" + layouts,
                 "scaling.repetitions=1", "scaling.launcher=" + launcher_, "train.epochs=2"};
    all.insert(all.end(), settings.begin(), settings.end());
    for (const std::string& setting : all) words.insert(words.end(), {"--set", setting});
    return factorps(words);
  }

  /// A launcher that is a bash script.
  void stand_in(const std::string& body) {
    const auto file = directory_.write("bin/mpirun", "#!/bin/bash\n" + body + "\n");
    fs::permissions(file, fs::perms::owner_all);
    launcher_ = file;
  }

  [[nodiscard]] json result(const std::string& file) const {
    return json::parse(read_text(directory_ / "scaling" / file));
  }
  [[nodiscard]] bool is_there(const std::string& file) const {
    return fs::exists(directory_ / "scaling" / file);
  }

  std::string launcher_;
};

TEST_F(Scaling, MeasuresEveryLayoutAndFindsTheSameModel) {
  const ProgramResult first = bench(R"(["1x1s0", "1x2", "2x1"])");
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const json summary = result("scaling.json");
  EXPECT_TRUE(summary["models_agree"].get<bool>());
  const json points = summary["groups"][0]["points"];
  ASSERT_EQ(points.size(), 3U);
  const std::string model = hash(0, "run", {"train.epochs=2"});
  for (const json& point : points) {
    EXPECT_EQ(point["model_sha256"], model) << point;
    EXPECT_GT(point["epoch_seconds"].get<double>(), 0) << point;
    EXPECT_GT(point["cpu_seconds"].get<double>(), 0) << point;
  }
  EXPECT_EQ(points[1]["layout"], "1x2");
  EXPECT_EQ(points[1]["bytes_per_node"], 0);
  EXPECT_GT(points[2]["bytes_per_node"].get<double>(), 0);
  EXPECT_TRUE(points[2]["pretended_nodes"].get<bool>());
  EXPECT_NE(first.out.find("speed-up"), std::string::npos) << first.out;

  // What has a result is not run again; what has none is.
  fs::remove(directory_ / "scaling/runs/1x1s0-dim16-r1.json");
  const std::string kept = read_text(directory_ / "scaling/runs/1x2-dim16-r1.json");
  const ProgramResult second = bench(R"(["1x1s0", "1x2", "2x1"])");
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.err.find("run 1x2"), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("run 1x1s0-dim16-r1: "), std::string::npos) << second.err;
  EXPECT_EQ(read_text(directory_ / "scaling/runs/1x2-dim16-r1.json"), kept);
  EXPECT_EQ(result("scaling.json")["missing_runs"].size(), 0U);
}

TEST_F(Scaling, DrawsPicturesAndSaysWhenThereIsNoPng) {
  ASSERT_EQ(bench("1x1s0").exit_code, 0);
  const bool converter = run_program({"bash", "-c", "command -v rsvg-convert"}).exit_code == 0;
  for (const char* name : {"speed-up", "efficiency", "cpu-efficiency", "time-split"}) {
    const std::string file{name};
    EXPECT_EQ(read_text(directory_ / "scaling" / (file + ".svg")).find("<svg xmlns"), 0U);
    if (converter) {
      EXPECT_EQ(read_text(directory_ / "scaling" / (file + ".png")).substr(1, 3), "PNG") << file;
    }
  }
  ProgramOptions options;
  options.environment = {"PATH=/nowhere"};
  fs::remove(directory_ / "scaling/efficiency.png");
  const ProgramResult without =
      factorps({"bench", "scaling", config_, "--collect", "--set", "scaling.layouts=1x1s0", "--set",
                "scaling.repetitions=1", "--set", "train.epochs=2", "--set",
                "run.dir=" + (directory_ / "scaling").string()},
               options);
  EXPECT_EQ(without.exit_code, 0) << without.err;
  EXPECT_EQ(without.err,
            "factorps: no PNG: rsvg-convert (Debian: librsvg2-bin) cannot be run; the SVG are "
            "there\n");
  EXPECT_FALSE(is_there("efficiency.png"));
  EXPECT_TRUE(is_there("efficiency.svg"));
}

TEST_F(Scaling, GoesOnAfterAFailedRun) {
  stand_in("[ \"$2\" != 2 ] || { echo boom >&2; exit 9; }\nexec " FACTORPS_MPIRUN " \"$@\"");
  const ProgramResult result_of = bench(R"(["1x1s0", "2x1s0"])");
  EXPECT_EQ(result_of.exit_code, 5) << result_of.err;
  EXPECT_NE(result_of.err.find("run 2x1s0-dim16-r1 failed with exit code 9: boom; its output: "),
            std::string::npos)
      << result_of.err;
  EXPECT_EQ(result("scaling.json")["missing_runs"], json{"2x1s0-dim16-r1"});
  EXPECT_EQ(read_text(directory_ / "scaling/runs/2x1s0-dim16-r1.log"), "boom\n");
}

TEST_F(Scaling, IsLoudAboutAModelThatDiffers) {
  ASSERT_EQ(bench(R"(["1x1s0", "2x1s0"])").exit_code, 0);
  json run = result("runs/2x1s0-dim16-r1.json");
  run["model_sha256"] = "0123456789abcdef0";
  directory_.write("scaling/runs/2x1s0-dim16-r1.json", run.dump());
  const ProgramResult collected = bench(R"(["1x1s0", "2x1s0"])", {}, {"--collect"});
  EXPECT_EQ(collected.exit_code, 1);
  EXPECT_NE(collected.err.find(
                "factorps: error: models or datasets differ that must be equal, 1 in all; "),
            std::string::npos)
      << collected.err;
  EXPECT_NE(collected.err.find("has model SHA-256 "), std::string::npos);
  EXPECT_FALSE(result("scaling.json")["models_agree"].get<bool>());
}

TEST_F(Scaling, RefusesResultsOfAnotherConfiguration) {
  ASSERT_EQ(bench("1x1s0").exit_code, 0);
  const ProgramResult other = bench("1x1s0", {"train.l2=0.5"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("1x1s0-dim16-r1.json: was measured with another configuration"),
            std::string::npos)
      << other.err;
}

TEST_F(Scaling, MakesTheDataOfAWeakExperiment) {
  const ProgramResult done = bench(
      R"(["1x1s0", "2x1s0"])",
      {"scaling.mode=weak", "scaling.users=100", "scaling.items=60", "scaling.interactions=2000"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(is_there("data/200users-60items-4000ratings-seed1.h5"));
  const auto one = result("runs/1x1s0-dim16-r1.json")["interactions"].get<double>();
  const auto two = result("runs/2x1s0-dim16-r1.json")["interactions"].get<double>();
  EXPECT_NEAR(two / one, 2, 0.1);
  EXPECT_TRUE(result("scaling.json")["models_agree"].get<bool>());
}

TEST_F(Scaling, PreparesAGridWithoutRunningAnything) {
  stand_in("exit 9");
  const ProgramResult done = bench("1x1s0", {"scaling.grids=4x2"}, {"--prepare"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(is_there("data/data-grid4x2.h5"));
  EXPECT_FALSE(is_there("scaling.json"));
}

TEST_F(Scaling, DoesOneRunOfTheList) {
  const std::string layouts = R"(["1x1s0", "2x1s0", "1x2"])";
  const ProgramResult listed = bench(layouts, {}, {"--list"});
  EXPECT_NE(listed.out.find("\t2\t2\t2x1s0-dim16-r1\n"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("\t1\t4\t1x2-dim16-r1\n"), std::string::npos) << listed.out;
  const std::size_t at = listed.out.find("\t1\t1\t1x1s0-dim16-r1\n");
  ASSERT_NE(at, std::string::npos) << listed.out;
  const ProgramResult done = bench(layouts, {}, {"--only", listed.out.substr(at - 1, 1)});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(is_there("runs/1x1s0-dim16-r1.json"));
  EXPECT_FALSE(is_there("runs/1x2-dim16-r1.json"));
  EXPECT_FALSE(is_there("scaling.json"));
  EXPECT_EQ(bench(layouts, {}, {"--only", "3"}).exit_code, 2);
}

TEST_F(Scaling, EndsItsRunWhenItIsEnded) {
  const std::string calls = directory_ / "calls";
  stand_in("echo >> " + calls + "; trap 'kill $!; exit 1' TERM; sleep 50 & kill -TERM $PPID; wait");
  const ProgramResult ended = bench(R"(["1x1s0", "1x2"])");
  EXPECT_EQ(ended.exit_code, 75) << ended.err;
  EXPECT_EQ(read_text(calls), "\n");  // the second run was not started
  EXPECT_FALSE(is_there("scaling.json"));
  EXPECT_TRUE(no_process_is_left());
}

TEST_F(Scaling, IsNotForALauncher) {
  const ProgramResult refused = factorps_ranks(1, {"bench", "scaling", config_});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("bench scaling was started by a launcher"), std::string::npos)
      << refused.err;
}

}  // namespace
}  // namespace factorps::test
