/// The report of a real run, read as a browser reads it.
#include <algorithm>
#include <cstdlib>

#include "tests/e2e/training_fixture.hpp"

namespace factorps::test {
namespace {

/// The first browser in PATH that can be asked without a screen; empty: none.
std::string browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (run_program({"bash", "-c", "command -v \"$0\"", name}).exit_code == 0) return name;
  }
  return {};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++found;
  }
  return found;
}

/// Points of each line that the page draws.
std::vector<std::size_t> points_of_lines(const std::string& page) {
  std::vector<std::size_t> points;
  const std::string start = " points=\"";
  for (std::size_t at = 0; (at = page.find(start, at)) != std::string::npos;) {
    at += start.size();
    const std::string list = page.substr(at, page.find('"', at) - at);
    points.push_back(static_cast<std::size_t>(std::ranges::count(list, ',')));
  }
  return points;
}

class Report : public Training {};

TEST_F(Report, IsDrawnByABrowser) {
  const std::string name = browser();
  if (name.empty()) GTEST_SKIP() << "no chromium, chromium-browser or google-chrome in PATH";
  const auto summary = trained(4, "run", {"cluster.node_size=2", "evaluate.every=2"});
  const ProgramResult result = factorps({"report", directory_ / "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;

  const std::string file = directory_ / "run/report.html";
  const ProgramResult shown = run_program({name, "--headless", "--no-sandbox", "--disable-gpu",
                                           "--user-data-dir=" + (directory_ / "browser").string(),
                                           "--dump-dom", "file://" + file});

  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const std::string& page = shown.out;
  EXPECT_EQ(points_of_lines(page), (std::vector<std::size_t>{6, 3, 6}));  // train, validation, rate
  EXPECT_EQ(count(page, "class=\"mark "), 1U);
  EXPECT_EQ(count(page, ": checkpoint "), 6U);  // columns of seconds
  EXPECT_EQ(count(page, ": evaluate "), 12U);   // and of bytes
  for (const std::string& text :
       {summary["model_sha256"].get<std::string>(), summary["hosts"][0].get<std::string>(),
        summary["dataset"]["path"].get<std::string>(),
        summary["time"]["largest_loss"].get<std::string>(), std::string{"worker 1"}}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
}

TEST_F(Report, OfAScalingExperimentIsDrawnByABrowser) {
  const std::string name = browser();
  if (name.empty()) GTEST_SKIP() << "no chromium, chromium-browser or google-chrome in PATH";
  const std::string directory = directory_ / "scaling";
  const ProgramResult measured = factorps(
      {"bench", "scaling", config_, "--set", "run.dir=" + directory, "--set",
       R"(scaling.layouts=["1x1s0", "2x1s0"])", "--set", "scaling.repetitions=2", "--set",
       "scaling.dims=[8, 16]", "--set", std::string{"scaling.launcher="} + FACTORPS_MPIRUN});
  ASSERT_EQ(measured.exit_code, 0) << measured.err;
  const ProgramResult result = factorps({"report", directory});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "report " + directory + "/report.html\n");

  const ProgramResult shown = run_program({name, "--headless", "--no-sandbox", "--disable-gpu",
                                           "--user-data-dir=" + (directory_ / "browser").string(),
                                           "--dump-dom", "file://" + directory + "/report.html"});

  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const std::string& page = shown.out;
  EXPECT_EQ(count(page, "<circle "), 3U * 2 * 2);  // three pictures, dims, layouts
  EXPECT_EQ(count(page, "class=\"interval "), 3U * 2 * 2);
  EXPECT_EQ(count(page, ": wait for a block "), 4U);  // bars of the time split
  EXPECT_EQ(count(page, "<polyline class=\"broken ideal\""), 3U);
  const auto summary = nlohmann::json::parse(read_text(directory + "/scaling.json"));
  for (const auto& caution : summary["cautions"]) {
    EXPECT_NE(page.find(caution.get<std::string>()), std::string::npos) << caution;
  }
  for (const char* text : {"dim 8, grid 8x8", "dim 16, grid 8x8", "2x1s0 ~", "no fit: "}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
  const std::string file = read_text(directory + "/report.html");
  for (const char* what : {"src=", "href=", "url(", "@import", "<script"}) {
    EXPECT_EQ(file.find(what), std::string::npos) << what;
  }
}

TEST_F(Report, NeedsNothingFromElsewhere) {
  static_cast<void>(trained(0, "run"));
  ASSERT_EQ(factorps({"report", directory_ / "run", "--out", directory_ / "a.html"}).exit_code, 0);
  const std::string page = read_text(directory_ / "a.html");
  for (const char* what : {"src=", "href=", "url(", "@import", "<script"}) {
    EXPECT_EQ(page.find(what), std::string::npos) << what;
  }
}

TEST_F(Report, RefusesWhatIsNoRun) {
  const ProgramResult missing = factorps({"report", directory_ / "none"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_EQ(missing.err, "factorps: error: " + (directory_ / "none").string() +
                             ": no such directory, expected the directory of a run, with the "
                             "config.toml and metrics.jsonl that factorps train writes\n");
}

TEST_F(Report, IsNoReasonToLoseTheRun) {
  static_cast<void>(trained(0, "run"));
  const std::string metrics = directory_ / "run/metrics.jsonl";
  const ProgramResult result = factorps({"report", directory_ / "run", "--out", metrics});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(epochs_of("run"), 6U);
}

TEST_F(Report, TellsTheSameAsTraining) {
  auto command = train("run");
  std::erase(command, "--json");
  const ProgramResult training = factorps(command);
  ASSERT_EQ(training.exit_code, 0) << training.err;
  const ProgramResult report = factorps({"report", directory_ / "run"});
  const std::size_t at = training.out.find("  time in training passes\n");
  ASSERT_NE(at, std::string::npos) << training.out;
  EXPECT_EQ(report.out.substr(report.out.find('\n') + 1), training.out.substr(at));
  EXPECT_NE(report.out.find("  largest loss: "), std::string::npos) << report.out;
}

}  // namespace
}  // namespace factorps::test
