#include "apps/options.hpp"

#include <CLI/CLI.hpp>

namespace factorps::apps {
namespace {

void declare_assignments(CLI::App& app, ConfigOptions& options) {
  app.add_option("--set", options.assignments, "Override a key of the configuration; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void declare_config(CLI::App& app, ConfigOptions& options) {
  app.add_option("config", options.config, "Configuration of the run, a TOML file")
      ->type_name("CONFIG")
      ->required();
  declare_assignments(app, options);
}

void declare_model(CLI::App& app, ModelOptions& options) {
  app.add_option("model", options.model, "model.h5 of a run; without it, the one in run.dir")
      ->type_name("MODEL");
  app.add_option("--config,-c", options.config, "Configuration of the run")->type_name("CONFIG");
  declare_assignments(app, options);
}

void declare_time(CLI::App& app, std::string& time) {
  app.add_option("--time", time,
                 "Of a model with model.context: for this moment (unix seconds or ISO date-time, "
                 "UTC); default: the latest of the training")
      ->type_name("TIME");
}

/// `[MODEL] what...`
void declare_model_and(CLI::App& app, ModelOptions& options, std::vector<std::string>& arguments,
                       const char* what) {
  app.add_option("arguments", arguments, "model.h5, not with --config; then what is asked for")
      ->type_name(what);
  app.add_option("--config,-c", options.config, "Configuration of the run")->type_name("CONFIG");
  declare_assignments(app, options);
}

void declare_filter(CLI::App& app, ItemFilterOptions& options) {
  app.add_option("--items", options.only, "Only the items of this file, one per line")
      ->type_name("FILE");
  app.add_option("--without", options.without, "Not the items of this file, one per line")
      ->type_name("FILE");
  app.add_option("--where", options.where,
                 "Only items with this attribute in the dataset: NAME=TEXT, NAME>=NUMBER or "
                 "NAME<=NUMBER; repeatable, several texts of one name are alternatives")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  app.add_option("--min-popularity", options.min_popularity,
                 "Only items with so many training interactions")
      ->check(CLI::NonNegativeNumber);
}

}  // namespace

void declare_options(CLI::App& app, OutputOptions& output) {
  app.add_flag("--json", output.json, "Print results as JSON");
  app.add_flag("--quiet,-q", output.quiet, "Print results and errors only");
}

void declare_options(CLI::App& app, PrepareOptions& options) { declare_config(app, options); }

void declare_options(CLI::App& app, TrainOptions& options) {
  declare_config(app, options);
  app.add_option("--resume", options.resume,
                 "Continue from a checkpoint; 'auto': the newest of run.dir, or a first start")
      ->type_name("auto|PATH");
  app.add_flag("--overwrite", options.overwrite, "Discard an unfinished training in run.dir");
  app.add_option("--trace", options.trace,
                 "Write what every rank did and when, for Perfetto or chrome://tracing")
      ->type_name("FILE");
}

void declare_options(CLI::App& app, PlanOptions& options) {
  declare_config(app, options);
  app.add_option("--ranks", options.ranks, "Ranks per node")->check(CLI::Range(1, 65536));
  app.add_option("--nodes", options.nodes, "Nodes")->check(CLI::Range(1, 65536));
  app.add_option("--bandwidth", options.bandwidth,
                 "Of a node's link, e.g. 10Gbit, or in bits per second: time on the wire")
      ->type_name("RATE");
  app.add_flag("--calibrate", options.calibrate,
               "Train for a few seconds here, without files: times of an epoch and of rankings");
}

void declare_options(CLI::App& app, CrossvalOptions& options) {
  declare_config(app, options);
  app.add_option("--folds", options.folds, "Number of folds; default: split.folds")
      ->check(CLI::Range(2, 1000));
  app.add_flag("--resume", options.resume, "Continue an interrupted cross-validation");
}

void declare_options(CLI::App& app, BenchScalingOptions& options) {
  declare_config(app, options);
  CLI::Option* list = app.add_flag("--list", options.list,
                                   "Print the runs in their order: number, nodes, ranks, name");
  CLI::Option* prepare =
      app.add_flag("--prepare", options.prepare, "Make the datasets only")->excludes(list);
  CLI::Option* only = app.add_option("--only", options.only, "Do run N of the list only")
                          ->type_name("N")
                          ->check(CLI::NonNegativeNumber)
                          ->excludes(list)
                          ->excludes(prepare);
  app.add_flag("--collect", options.collect, "Sum up what has been measured")
      ->excludes(list)
      ->excludes(prepare)
      ->excludes(only);
}

void declare_options(CLI::App& app, GenerateOptions& options) {
  app.add_option("--users", options.users, "Users")->check(CLI::PositiveNumber);
  app.add_option("--items", options.items, "Items")->check(CLI::PositiveNumber);
  app.add_option("--interactions", options.interactions, "Ratings, train and test together")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "Equal seeds give equal bytes");
  app.add_option("--dim", options.dim, "Planted factors")->check(CLI::Range(0, 1024));
  app.add_option("--noise", options.noise, "Standard deviation of the noise")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--test-fraction", options.test_fraction, "Share of the test file")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--half-stars", options.half_stars, "Round ratings to 0.5, 1.0 ... 5.0");
  app.add_option("--out", options.out, "Writes PREFIX.train.csv and PREFIX.test.csv")
      ->type_name("PREFIX")
      ->required();
}

namespace {

void declare_baselines(CLI::App& app, EvaluateOptions& options) {
  app.add_option("--baseline", options.baseline,
                 "Evaluate a mean of the training values, or with --at what is popular, item-kNN "
                 "or EASE; no MODEL")
      ->check(
          CLI::IsMember({"user-mean", "item-mean", "global-mean", "popular", "item-knn", "ease"}));
  app.add_option("--neighbours", options.neighbours, "Of item-knn: kept for each item")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31));
  app.add_option("--shrinkage", options.shrinkage,
                 "Of item-knn: added to the denominator of each similarity")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--ease-l2", options.ease_l2, "Of ease: regularisation")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

void declare_rankings(CLI::App& app, EvaluateOptions& options) {
  CLI::Option* at = app.add_option("--at", options.at, "Evaluate rankings of all items, cut here")
                        ->type_name("K[,K...]")
                        ->delimiter(',')
                        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31));
  app.add_option("--relevant-from", options.relevant_from,
                 "Least value of a relevant interaction; default: all are relevant")
      ->needs(at);
  app.add_flag("--pessimistic", options.pessimistic,
               "Relevant items come last among those of equal score; default: expectation over "
               "random order")
      ->needs(at);
  CLI::Option* sampled =
      app.add_option("--sampled", options.sampled,
                     "Rank the relevant items among N random others instead of all")
          ->type_name("N")
          ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31))
          ->needs(at);
  app.add_option("--seed", options.seed, "Of the sample")->capture_default_str()->needs(sampled);
  app.add_option("--write-candidates", options.write_candidates,
                 "Also write the sampled items of each user")
      ->type_name("FILE")
      ->needs(sampled);
  CLI::Option* given =
      app.add_option(
             "--candidates", options.candidates,
             "Rank the relevant items among those that FILE lists for the user: lines of a user "
             "and items, separated by tabs")
          ->type_name("FILE")
          ->needs(at)
          ->excludes(sampled);
  CLI::Option* segments =
      app.add_flag("--segments", options.segments,
                   "Also of cold and warm users, and of head, torso and tail items")
          ->needs(at);
  app.add_option("--cold-below", options.cold_below,
                 "Training interactions that make a user warm, for --segments")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 32))
      ->needs(segments);
  app.add_option("--segments-by", options.segments_by,
                 "Also of the most frequent values of an attribute of items or users; repeatable")
      ->type_name("ATTRIBUTE")
      ->allow_extra_args(false)
      ->needs(at);
  app.add_option("--diversity-by", options.diversity_by,
                 "Also the share of pairs of a list that have no value of an attribute of items in "
                 "common; repeatable")
      ->type_name("ATTRIBUTE")
      ->allow_extra_args(false)
      ->needs(at)
      ->excludes(sampled)
      ->excludes(given);
}

}  // namespace

void declare_options(CLI::App& app, EvaluateOptions& options) {
  declare_model(app, options);
  app.add_option("dataset", options.dataset, "Prepared dataset; default: data.dataset")
      ->type_name("DATASET");
  app.add_option("--part", options.part, "Which interactions")
      ->check(CLI::IsMember({"train", "validation", "test"}));
  declare_baselines(app, options);
  app.add_option("--per-user", options.per_user, "Also write one line per user")->type_name("FILE");
  app.add_flag("--fold-in", options.fold_in,
               "Solve the row of every user from their training data, as of a new user; users that "
               "prepare held out always are");
  declare_rankings(app, options);
}

void declare_options(CLI::App& app, CompareOptions& options) {
  app.add_option("a", options.a, "File of evaluate --per-user")->type_name("A")->required();
  app.add_option("b", options.b, "Another one, of the same protocol")->type_name("B")->required();
  app.add_option("--resamples", options.resamples, "Of the bootstrap over users")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  app.add_option("--seed", options.seed, "Of the bootstrap")->capture_default_str();
}

void declare_options(CLI::App& app, PredictOptions& options) {
  declare_model(app, options);
  app.add_option("pairs", options.pairs, "Users and items, in the format that [data] describes")
      ->type_name("PAIRS");
  declare_time(app, options.time);
  app.add_option("--out,-o", options.out, "Output; default: stdout")->type_name("FILE");
}

void declare_options(CLI::App& app, RecommendOptions& options) {
  declare_model(app, options);
  CLI::Option* users =
      app.add_option("--users", options.users, "File with one user per line")->type_name("FILE");
  CLI::Option* histories =
      app.add_option("--history", options.histories,
                     "File of users with what they have, in the format that [data] describes; -: "
                     "standard input. Their factors are solved from it")
          ->type_name("FILE")
          ->excludes(users);
  app.add_flag("--all", options.all, "Every user of the model")
      ->excludes(users)
      ->excludes(histories);
  app.add_option("--count,-k", options.count, "Items per user")->check(CLI::Range(1, 1'000'000));
  app.add_flag("--include-seen", options.include_seen, "Also items the user already has");
  app.add_option("--dataset", options.dataset,
                 "Leave out what users have in this one's training data; holds attributes "
                 "(default for these: data.dataset)")
      ->type_name("DATASET");
  declare_filter(app, options.filter);
  app.add_option("--quota", options.filter.quotas,
                 "At most N items of each value of an attribute in a list; repeatable")
      ->type_name("NAME=N")
      ->allow_extra_args(false);
  app.add_option("--fallback-by", options.fallback_by,
                 "Users without training data: what is popular among users of the same value of "
                 "this attribute")
      ->type_name("NAME");
  declare_time(app, options.time);
  app.add_option("--format", options.format, "tsv, jsonl (an object per user) or hdf5")
      ->check(CLI::IsMember({"tsv", "jsonl", "hdf5"}));
  app.add_option("--out,-o", options.out, "Output; default: stdout")->type_name("FILE");
  app.add_flag("--resume", options.resume, "Go on with what an interrupted run wrote of FILE");
}

void declare_options(CLI::App& app, SimilarOptions& options) {
  declare_model_and(app, options, options.arguments, "[MODEL] ITEM...");
  app.add_option("--count,-k", options.count, "Similar items")->check(CLI::Range(1, 1'000'000));
  declare_filter(app, options.filter);
  app.add_option("--dataset", options.dataset, "Holds attributes; default: data.dataset")
      ->type_name("DATASET");
  app.add_option("--out,-o", options.out, "Output; default: stdout")->type_name("FILE");
}

void declare_options(CLI::App& app, ExplainOptions& options) {
  declare_model_and(app, options, options.arguments, "[MODEL] USER ITEM");
  app.add_option("--count,-k", options.count, "Items of the history that are printed")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--dataset", options.dataset,
                 "What users have is in its training data; default: what the model holds")
      ->type_name("DATASET");
  app.add_option("--out,-o", options.out, "Output; default: stdout")->type_name("FILE");
}

void declare_options(CLI::App& app, InspectOptions& options) {
  app.add_option("file", options.file, "Dataset, model, checkpoint or directory of a run")
      ->type_name("FILE")
      ->required();
  app.add_flag("--verify", options.verify,
               "Of a run or checkpoint: which checkpoints can be used, and all that is wrong with "
               "the others");
}

void declare_options(CLI::App& app, ReportOptions& options) {
  app.add_option("run", options.run, "Directory of a run or a scaling experiment")
      ->type_name("DIR")
      ->required();
  app.add_option("--out,-o", options.out, "Output; default: report.html in the directory")
      ->type_name("FILE");
}

void declare_options(CLI::App& app, ShowConfigOptions& options) {
  app.add_option("config", options.config, "Configuration of a run, a TOML file")
      ->type_name("CONFIG");
  declare_assignments(app, options);
  app.add_flag("--markdown", options.markdown, "Print the documentation of all keys instead");
}

}  // namespace factorps::apps
