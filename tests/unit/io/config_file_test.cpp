#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/config.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

/// A directory with a config file in it.
class ConfigFile : public testing::Test {
 protected:
  Config load(std::string_view text, const std::vector<std::string>& assignments = {}) {
    return load_config(directory_.write("run.toml", text), assignments);
  }

  /// The message of the ConfigError, with the directory taken out.
  std::string problem(std::string_view text, const std::vector<std::string>& assignments = {}) {
    try {
      static_cast<void>(load(text, assignments));
    } catch (const ConfigError& error) {
      std::string message = error.what();
      const std::string prefix = directory_.path().string() + '/';
      for (auto at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
        message.erase(at, prefix.size());
      return message;
    }
    return "no error";
  }

  test::TemporaryDirectory directory_;
};

// The number that is too large also stands in another text of its line.
TEST_F(ConfigFile, ALargeNumberBesideItsTextIsAnError) {
  const std::string said =
      problem("[a]\nx = {a = '99999999999999999999', b = 99999999999999999999}\n");
  EXPECT_NE(said.find("unknown section [a]"), std::string::npos) << said;
}

TEST_F(ConfigFile, MayBeEmpty) {
  const Config config = load("");
  EXPECT_EQ(config.train.epochs, Config{}.train.epochs);
  EXPECT_EQ(config.data.dataset, directory_ / "dataset.h5");
}

TEST_F(ConfigFile, SetsEveryTypeOfKey) {
  const Config config = load(R"(
    [data]
    source = ["a.csv", "/abs/b.csv"]
    format = "csv"
    dataset = "sub/../d.h5"
    [clean]
    min_value = 1
    [model]
    dim = 64
    biases = false
    [train]
    seed = 7
    learning_rate = 1e-2
  )");
  EXPECT_EQ(config.data.source, (std::vector<fs::path>{directory_ / "a.csv", "/abs/b.csv"}));
  EXPECT_EQ(config.data.format, "csv");
  EXPECT_EQ(config.data.dataset, directory_ / "d.h5");
  EXPECT_EQ(config.clean.min_value, 1.0);
  EXPECT_EQ(config.clean.max_value, std::nullopt);
  EXPECT_EQ(config.model.dim, 64);
  EXPECT_FALSE(config.model.biases);
  EXPECT_EQ(config.train.seed, 7u);
  EXPECT_EQ(config.train.learning_rate, 0.01);
}

TEST_F(ConfigFile, TakesAListOfOneWithoutBrackets) {
  EXPECT_EQ(load("[data]\nsource = 'a.csv'").data.source,
            std::vector<fs::path>{directory_ / "a.csv"});
}

TEST_F(ConfigFile, NamesColumnsByTable) {
  const Config config = load("[data]\ncolumns = {user = 'who', item = 3}");
  EXPECT_EQ(config.data.user, "who");
  EXPECT_EQ(config.data.item, "3");
  EXPECT_EQ(config.data.value, "auto");
}

TEST_F(ConfigFile, NamesColumnsByListWhereTheRestIsAbsent) {
  const Config config = load("[data]\ncolumns = ['who', 2, 'stars']");
  EXPECT_EQ(config.data.user, "who");
  EXPECT_EQ(config.data.item, "2");
  EXPECT_EQ(config.data.value, "stars");
  EXPECT_EQ(config.data.time, "");
}

TEST_F(ConfigFile, TakesWeightsOfEventsAsTableOrList) {
  const std::vector<std::string> expected{"view=1", "buy=2.5"};
  EXPECT_EQ(load("[data]\ncolumns.event = 'type'\nevent_weights = {view = 1, buy = 2.5}")
                .data.event_weights,
            expected);
  const Config listed =
      load("[data]\ncolumns = ['a', 'b', '', '', 'type']\nevent_weights = ['view=1', 'buy=2.5']");
  EXPECT_EQ(listed.data.event_weights, expected);
  EXPECT_EQ(listed.data.event, "type");
  EXPECT_EQ(load("", {"data.columns.event=type", "data.event_weights={view = 1, buy = 2.5}"})
                .data.event_weights,
            expected);
  EXPECT_EQ(load(to_toml(listed)).data.event_weights, expected);
}

TEST_F(ConfigFile, SumsWhereReturnsAreTakenOff) {
  EXPECT_EQ(load("[clean]\nreturns = 'net'").clean.duplicates, "sum");
  EXPECT_EQ(load("[clean]\nreturns = 'drop'").clean.duplicates, "keep_last");
}

TEST_F(ConfigFile, AcceptsTimesInAnyNotation) {
  EXPECT_EQ(load("[clean]\ntime_from = 978300000").clean.time_from, "978300000");
  EXPECT_EQ(load("[clean]\ntime_from = 2001-02-03").clean.time_from, "2001-02-03");
  EXPECT_EQ(load("[clean]\ntime_from = '2001-02-03'").clean.time_from, "2001-02-03");
}

TEST_F(ConfigFile, IsOverriddenByAssignmentsInOrder) {
  const std::string text = "[train]\nepochs = 3\noptimizer = 'sgd'";
  const Config config = load(
      text, {"train.epochs=4", "train.epochs=5", "train.optimizer=adagrad", "model.biases=false"});
  EXPECT_EQ(config.train.epochs, 5);
  EXPECT_EQ(config.train.optimizer, "adagrad");
  EXPECT_FALSE(config.model.biases);
}

TEST_F(ConfigFile, ReadsAssignmentsAsTomlElseAsText) {
  const Config config =
      load("", {R"(data.source=["a.csv", "b.csv"])", "data.delimiter=::", "data.columns.user=1",
                "run.dir=7", "clean.min_value=-0.5", "clean.time_to=2001-02-03T04:05:06",
                "data.columns.value="});
  EXPECT_EQ(config.data.source,
            (std::vector<fs::path>{fs::current_path() / "a.csv", fs::current_path() / "b.csv"}));
  EXPECT_EQ(config.data.delimiter, "::");
  EXPECT_EQ(config.data.user, "1");
  EXPECT_EQ(config.run.dir, fs::current_path() / "7");
  EXPECT_EQ(config.clean.min_value, -0.5);
  EXPECT_EQ(config.clean.time_to, "2001-02-03T04:05:06");
  EXPECT_EQ(config.data.value, "");
}

TEST_F(ConfigFile, CannotSmuggleASecondKeyThroughAnAssignment) {
  const std::string sneaky = "a\"\nmodel.dim = 3";
  EXPECT_EQ(load("", {"data.delimiter=" + sneaky}).data.delimiter, sneaky);
}

TEST_F(ConfigFile, IsOptional) {
  const Config config = load_config({}, {"model.dim=5"});
  EXPECT_EQ(config.model.dim, 5);
  EXPECT_EQ(config.run.dir, fs::current_path() / "runs/default");
}

TEST_F(ConfigFile, ReadsAttributesOfUsersAndItems) {
  const Config config = load(R"(
    [attributes.items]
    source = "i.csv"
    categories = ["department", "brand"]
    [attributes]
    users.source = ["a.csv", "b.csv"]
    users.numbers = "age"
  )",
                             {"attributes.items.missing=NA", "attributes.items.tag_separator=/"});
  EXPECT_EQ(config.attributes.items.source, (std::vector<fs::path>{directory_ / "i.csv"}));
  EXPECT_EQ(config.attributes.items.categories, (std::vector<std::string>{"department", "brand"}));
  EXPECT_EQ(config.attributes.items.missing, (std::vector<std::string>{"NA"}));
  EXPECT_EQ(config.attributes.items.tag_separator, "/");
  EXPECT_EQ(config.attributes.users.source.size(), 2U);
  EXPECT_EQ(config.attributes.users.numbers, (std::vector<std::string>{"age"}));
  EXPECT_EQ(to_toml(load(to_toml(config))), to_toml(config));
}

TEST_F(ConfigFile, RoundTrips) {
  const Config config = load(R"(
    [data]
    source = ['a "b" \ c.csv', "täb\t.csv"]
    test = "t.csv"
    columns = ["u", "i"]
    [clean]
    max_bad_rows = 3
    max_value = 1e300
    [train]
    l2 = 0.1
    l2_bias = 1e-9
    seed = 9000000000000000000
    [scaling]
    layouts = ["1x2", "2x1s0"]
    dims = [8, 16]
  )");
  const std::string toml = to_toml(config);
  const fs::path elsewhere = directory_.write("elsewhere/config.toml", toml);
  const Config again = load_config(elsewhere);
  EXPECT_EQ(to_toml(again), toml);
  EXPECT_EQ(again.data.source, config.data.source);
  EXPECT_EQ(again.train.l2_bias, 1e-9);
  EXPECT_EQ(again.scaling.layouts, (std::vector<std::string>{"1x2", "2x1s0"}));
  EXPECT_EQ(again.scaling.dims, (std::vector<std::int64_t>{8, 16}));
  EXPECT_EQ(again.train.seed, 9'000'000'000'000'000'000u);
}

TEST_F(ConfigFile, DerivesDefaultsFromOtherKeys) {
  EXPECT_EQ(load("[data]\ntest = 't.csv'").split.method, "given");
  EXPECT_EQ(load("[clean]\nmax_bad_rows = 1").clean.strict, false);
  EXPECT_EQ(load("[split]\nvalidation_method = 'none'").evaluate.keep, "last");
}

TEST_F(ConfigFile, ReportsAMissingFile) {
  const fs::path missing = directory_ / "none.toml";
  EXPECT_THROW(static_cast<void>(load_config(missing)), ConfigError);
  EXPECT_THROW(static_cast<void>(load_config(directory_.path())), ConfigError);
}

TEST_F(ConfigFile, ReportsAllProblemsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      problem("[train]\nepohcs = 3\nl2 = -1\n[modell]\ndim = 2\n", {"model.dim=x", "split.fold=9"}),
      "5 problems in the configuration\n"
      "  run.toml:2: unknown key train.epohcs: expected train.epochs\n"
      "  run.toml:3: train.l2 = -1: expected a number of at least 0\n"
      "  run.toml:4: unknown section [modell]: expected [model]\n"
      "  --set: model.dim = 'x': expected an integer from 1 to 8192\n"
      "  --set: split.fold = 9: expected at most split.folds = 5");
}

TEST_F(ConfigFile, ReportsEveryWrongLayout) {
  EXPECT_EQ(problem("[scaling]\nlayouts = ['2x2', '2y2', '2x2s1']\ngrids = ['8']\ndims = [4, 4]"),
            "4 problems in the configuration\n"
            "  run.toml:2: scaling.layouts = \"2y2\": expected NODESxWORKERS or "
            "NODESxWORKERSsSERVERS of each node, such as \"2x4\" or \"2x4s2\" (s0 with one worker "
            "only)\n"
            "  run.toml:2: scaling.layouts = \"2x2s1\": expected each one once\n"
            "  run.toml:3: scaling.grids = \"8\": expected STRIPSxBLOCKS, such as \"32x16\"\n"
            "  run.toml:4: scaling.dims = [4, 4]: expected each one once");
}

struct Mistake {
  const char* name;
  const char* text;
  const char* message;
  friend void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }
};

class ConfigMistake : public ConfigFile, public testing::WithParamInterface<Mistake> {};

TEST_P(ConfigMistake, IsExplained) { EXPECT_EQ(problem(GetParam().text), GetParam().message); }

INSTANTIATE_TEST_SUITE_P(
    Every, ConfigMistake,
    testing::Values(
        Mistake{"Syntax", "[train]\nepochs = = 3",
                "run.toml:2: Error while parsing value: could not determine value type"},
        Mistake{"WrongType", "[train]\nepochs = '3'",
                "run.toml:2: train.epochs = '3': expected an integer from 1 to 1000000"},
        Mistake{"Fraction", "[train]\nepochs = 3.5",
                "run.toml:2: train.epochs = 3.5: expected an integer from 1 to 1000000"},
        Mistake{"NegativeSeed", "[train]\nseed = -1",
                "run.toml:2: train.seed = -1: expected an integer from 0 to 9000000000000000000"},
        Mistake{"LargeSeed", "[train]\nepochs = 3\nseed = 18446744073709551615  # 2^64 - 1",
                "run.toml:3: train.seed = '18446744073709551615': expected an integer from 0 to "
                "9000000000000000000"},
        Mistake{"LargeHexadecimal", "[train]\nseed = 0xFFFFFFFFFFFFFFFF",
                "run.toml:2: train.seed = '0xFFFFFFFFFFFFFFFF': expected an integer from 0 to "
                "9000000000000000000"},
        Mistake{"NotFinite", "[train]\nlearning_rate = inf",
                "run.toml:2: train.learning_rate = inf: expected a number above 0"},
        Mistake{"ZeroRate", "[train]\nlearning_rate = 0",
                "run.toml:2: train.learning_rate = 0: expected a number above 0"},
        Mistake{"Choice", "[train]\noptimizer = 'adam'",
                "run.toml:2: train.optimizer = 'adam': expected one of \"sgd\", \"adagrad\""},
        Mistake{"SectionIsAValue", "train = 3",
                "run.toml:1: unknown key train: expected section.key, see docs/configuration.md"},
        Mistake{"Misplaced", "[model]\nepochs = 3",
                "run.toml:2: unknown key model.epochs: expected train.epochs"},
        Mistake{"Nested", "[train]\nl2.user = 3",
                "run.toml:2: train.l2 = a table: expected a number of at least 0"},
        Mistake{"Columns", "[data]\ncolumns = ['user']",
                "run.toml:2: data.columns = [ 'user' ]: expected a list of 2 to 5 columns: user, "
                "item, value, time, event"},
        Mistake{"EventWeights", "[data]\nevent_weights = {view = 'x'}\ncolumns.event = 'type'",
                "run.toml:2: data.event_weights = a table: expected a table of numbers, or a list "
                "of \"name=number\""},
        Mistake{"EventWeightWithoutNumber",
                "[data]\nevent_weights = ['view=1', 'buy']\ncolumns.event = 'type'",
                "run.toml:2: data.event_weights = \"buy\": expected \"name=weight\", such as "
                "\"view=1\""},
        Mistake{"EventWeightTwice",
                "[data]\nevent_weights = ['buy=1', 'buy=2']\ncolumns.event = 'type'",
                "run.toml:2: data.event_weights = \"buy=2\": expected each one once"},
        Mistake{"EventsWithoutWeights", "[data]\ncolumns.event = 'type'",
                "run.toml: data.event_weights = [] (default): expected a weight for each type of "
                "event, because data.columns.event is set"},
        Mistake{"WeightsWithoutEvents", "[data]\nevent_weights = ['buy=1']",
                "run.toml: data.columns.event = \"\" (default): expected a column, because "
                "data.event_weights is set"},
        Mistake{
            "NetReturnsWithoutSums", "[clean]\nreturns = 'net'\nduplicates = 'mean'",
            "run.toml:3: clean.duplicates = \"mean\": expected \"sum\", because clean.returns = "
            "\"net\""},
        Mistake{"DecayAndNormalisation", "[clean]\nhalf_life_days = 30\nnormalise = 'mean'",
                "run.toml:3: clean.normalise = \"mean\": expected \"none\", because "
                "clean.half_life_days changes training values alone"},
        Mistake{"BinaryAndNormalisation", "[clean]\nbinary = true\nnormalise = 'mean'",
                "run.toml:3: clean.normalise = \"mean\": expected \"none\", because clean.binary "
                "makes all values alike"},
        Mistake{"UsersForValidationAlone",
                "[split]\nmethod = 'random'\nvalidation_method = 'users'",
                "run.toml:3: split.validation_method = \"users\": expected another one than "
                "\"users\", because split.method = \"random\""},
        Mistake{"NoUsersHeldOut", "[split]\nmethod = 'users'\ntest_fraction = 1",
                "run.toml:3: split.test_fraction = 1: expected a number between 0 and 1, because "
                "split.method = \"users\""},
        Mistake{"AttributesWithoutFile", "[attributes.items]\nnumbers = ['price']",
                "run.toml: attributes.items.source = [] (default): expected a list of files, "
                "because columns are named"},
        Mistake{"AttributesWithoutColumn", "[attributes.users]\nsource = 'u.csv'",
                "run.toml: attributes.users.categories = [] (default): expected a column, here or "
                "in tags, numbers or flags"},
        Mistake{"AttributesWithoutNames",
                "[attributes.items]\nsource = 'i.csv'\ntags = 't'\nheader = 'no'",
                "run.toml: attributes.items.columns = [] (default): expected the names of all "
                "columns, because header = \"no\""},
        Mistake{"AttributeTwice",
                "[attributes.items]\nsource = 'i.csv'\ntags = 't'\nflags = ['a']\nflags_as = 't'",
                "run.toml: attributes.items.categories = [] (default): expected every name once in "
                "categories, tags, numbers and flags_as"},
        Mistake{
            "AttributeOfAPath", "[attributes.items]\nsource = 'i.csv'\ntags = ['a/b']",
            "run.toml:3: attributes.items.tags = \"a/b\": expected another name "
            "(attributes.items.columns can give one): this one holds '/' or a control character"},
        Mistake{"ColumnTwice",
                "[attributes.items]\nsource = 'i.csv'\ntags = ['a']\ncolumns = ['a', 'a']",
                "run.toml:4: attributes.items.columns = [\"a\", \"a\"]: expected every name once"},
        Mistake{
            "EmptyTagSeparator", "[attributes.users]\ntag_separator = ''",
            "run.toml:2: attributes.users.tag_separator = \"\": expected the text between tags"},
        Mistake{"AttributeKey", "[attributes.items]\ncategory = ['a']",
                "run.toml:2: unknown key attributes.items.category: expected "
                "attributes.items.categories"},
        Mistake{"EmptyPath", "[run]\ndir = ''", "run.toml:2: run.dir = '': expected a file name"},
        Mistake{"MovingStripsWithRounding", "[cluster]\nwire = 'bf16'\nrebalance = 2",
                "run.toml:3: cluster.rebalance = 2: expected 0, because with cluster.wire = "
                "\"bf16\" the result depends on where strips are"},
        Mistake{"WeakWithoutUsers", "[scaling]\nmode = 'weak'",
                "run.toml: scaling.users = 0 (default): expected users per worker, because "
                "scaling.mode = \"weak\""},
        Mistake{"GeneratedWithoutItems", "[scaling]\nusers = 9\ninteractions = 99",
                "run.toml: scaling.items = 0 (default): expected at least 1, because scaling.users "
                "is set"},
        Mistake{"NoLauncher", "[scaling]\nlauncher = []",
                "run.toml:2: scaling.launcher = []: expected a command, such as [\"mpirun\"]"},
        Mistake{
            "ListOfOtherThings", "[scaling]\ndims = [8, 'x']",
            "run.toml:2: scaling.dims = [ 8, 'x' ]: expected a list of integers from 1 to 8192"},
        Mistake{"EmptyDelimiter", "[data]\ndelimiter = \"\"",
                "run.toml:2: data.delimiter = \"\": expected a name or the text between fields"},
        Mistake{"FoldBeyondFolds", "[split]\nfolds = 3\nfold = 4",
                "run.toml:3: split.fold = 4: expected at most split.folds = 3"},
        Mistake{"GivenWithoutTest", "[split]\nmethod = 'given'",
                "run.toml: data.test = [] (default): expected a list of files, because "
                "split.method = \"given\""},
        Mistake{"TestWithoutGiven", "[data]\ntest = 't'\n[split]\nmethod = 'random'",
                "run.toml:4: split.method = \"random\": expected \"given\", because data.test "
                "lists files"},
        Mistake{"TimeWithoutCut", "[split]\nmethod = 'time'",
                "run.toml: split.time_cut = \"\" (default): expected a time, because split.method "
                "= \"time\""},
        Mistake{"AllIsTest", "[split]\ntest_fraction = 1",
                "run.toml:2: split.test_fraction = 1: expected a number between 0 and 1, because "
                "split.method = \"random\""},
        Mistake{"LenientWithoutLimit", "[clean]\nstrict = false",
                "run.toml: clean.max_bad_rows = 0 (default): expected at least 1, because "
                "clean.strict = false"},
        Mistake{"EmptyRange", "[clean]\nmin_value = 2\nmax_value = 1",
                "run.toml:3: clean.max_value = 1: expected at least clean.min_value"},
        Mistake{"GrowingRate", "[train]\nschedule = 'exponential'\ndecay = 2",
                "run.toml:3: train.decay = 2: expected above 0 and at most 1, because "
                "train.schedule = \"exponential\""},
        Mistake{"ValuesByRank", "[train]\nsolver = 'als'\n[evaluate]\nmetric = 'ndcg@5'",
                "run.toml:4: evaluate.metric = \"ndcg@5\": expected \"rmse\" or \"mae\", because "
                "train.solver = \"als\""},
        Mistake{"LeastAbsolutes", "[train]\nsolver = 'als'\nloss = 'huber'",
                "run.toml:3: train.loss = \"huber\": expected \"squared\", because train.solver = "
                "\"als\""},
        Mistake{"RoundedSolutions", "[train]\nsolver = 'als'\n[cluster]\nwire = 'bf16'",
                "run.toml:4: cluster.wire = \"bf16\": expected \"fp32\", because train.solver = "
                "\"als\""},
        Mistake{"PatienceWithoutValidation",
                "[split]\nvalidation_method = 'none'\n[train]\npatience = 2",
                "run.toml:4: train.patience = 2: expected 0, because split.validation_method = "
                "\"none\" leaves nothing to measure"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST_F(ConfigFile, ExplainsABadAssignment) {
  EXPECT_EQ(problem("", {"train.epochs"}), "--set train.epochs: expected section.key=value");
  EXPECT_EQ(problem("", {"=3"}), "--set =3: expected section.key=value");
  EXPECT_EQ(problem("", {R"(run.dir=["a", "b"])"}),
            "--set: run.dir = [ 'a', 'b' ]: expected a file name");
  EXPECT_EQ(problem("", {"data.delimiter={a = 1}"}).find("--set: data.delimiter = a table: "), 0U);
  EXPECT_EQ(problem("", {"train.seed=18446744073709551615"}),
            "--set: train.seed = '18446744073709551615': expected an integer from 0 to "
            "9000000000000000000");
  EXPECT_EQ(problem("", {"train.epoch=3"}),
            "--set: unknown key train.epoch: expected train.epochs");
}

}  // namespace
}  // namespace factorps
