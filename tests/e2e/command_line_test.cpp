/// What the command line says when it is used well and badly, and the exit codes.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/factorps.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {
namespace {

TEST(CommandLine, AnswersHelpAndVersion) {
  const ProgramResult help = factorps({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.out.find("Subcommands:"), std::string::npos) << help.out;
  EXPECT_EQ(help.err, "");

  const ProgramResult version = factorps({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out.rfind("factorps ", 0), 0u) << version.out;
  EXPECT_NE(version.out.find("\ninstruction_set "), std::string::npos) << version.out;
}

TEST(CommandLine, EndsUsageErrorsWith2) {
  const std::vector<std::vector<std::string>> mistakes{
      {}, {"config", "--no-such-option"}, {"config", "one.toml", "two.toml"}, {"--no-such-option"}};
  for (const auto& arguments : mistakes) {
    const ProgramResult result = factorps(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.rfind("factorps: error: ", 0), 0u) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }
}

TEST(CommandLine, NamesTheNearestSubcommand) {
  const ProgramResult result = factorps({"confg", "x.toml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "factorps: error: unknown subcommand confg: expected config\n");
}

TEST(CommandLine, NamesTheNearestKeyAndTheLine) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("run.toml", "[train]\nepochs = 3\nlearning_rat = 1\n");
  const ProgramResult result = factorps({"config", file});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "factorps: error: " + file +
                            ":3: unknown key train.learning_rat: expected train.learning_rate\n");
}

TEST(CommandLine, ReportsAMissingConfigOnce) {
  const ProgramResult result = factorps({"config", "no/such/file.toml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err,
            "factorps: error: no/such/file.toml: cannot read the configuration: No such file or "
            "directory\n");
}

TEST(CommandLine, AppliesAssignments) {
  const ProgramResult result =
      factorps({"config", "--set", "model.dim=7", "--set=train.optimizer=sgd"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.out.find("\ndim = 7\n"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("\noptimizer = \"sgd\"\n"), std::string::npos) << result.out;
}

TEST(CommandLine, PrintsTheConfigurationAsJson) {
  const ProgramResult result = factorps({"config", "--json", "--set", "model.dim=7"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["model"]["dim"], 7);
  EXPECT_EQ(json["data"]["columns"]["user"], "user");
  EXPECT_EQ(json["data"]["source"], nlohmann::json::array());
  EXPECT_TRUE(json["clean"]["min_value"].is_null()) << result.out;
}

TEST(CommandLine, PrintsAConfigurationThatReadsBackFromElsewhere) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("a/run.toml", "[data]\nsource = 'x.csv'\n");
  const ProgramResult first = factorps({"config", file});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const ProgramResult second = factorps({"config", directory.write("b/run.toml", first.out)});
  EXPECT_EQ(second.out, first.out);
}

TEST(CommandLine, SaysAnErrorOfAllRanksOnce) {
  const ProgramResult result = factorps_ranks(3, {"config", "--set", "model.dmi=7"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err.find("factorps: error: --set: unknown key model.dmi: expected model.dim\n"),
            result.err.rfind("factorps: error"))
      << result.err;
}

TEST(CommandLine, KeepsTheExitCodeWhenTheErrorCannotBeWritten) {
  const ProgramResult result =
      run_program({"bash", "-c", "\"$0\" config --no-such 2> /dev/full", executable()});
  EXPECT_EQ(result.exit_code, 2);
}

TEST(CommandLine, FailsWhenOutputCannotBeWritten) {
  const ProgramResult result =
      run_program({"bash", "-c", "\"$0\" config > /dev/full", executable()});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(result.err, "factorps: error: cannot write to standard output\n");
}

}  // namespace
}  // namespace factorps::test
