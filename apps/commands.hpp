/// The subcommands of `factorps`: what the command line says, and the function that does it.
///
/// apps/command_line.cpp turns arguments into these structs, apps/main.cpp runs the chosen command;
/// each run_xxx() lives in apps/xxx.cpp. All of them are called on every rank of the job. An error
/// thrown on one rank ends the whole job (main.cpp), so a command never catches what it cannot
/// mend.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace factorps::comm {
class Environment;
}

namespace factorps::apps {

/// How a command talks. Results go to stdout, progress and warnings to stderr.
struct OutputOptions {
  bool json = false;      ///< results as JSON on stdout
  bool quiet = false;     ///< no progress, no summary; errors only
  bool terminal = false;  ///< stderr is a terminal: a progress bar makes sense
  bool color = false;     ///< stderr is a terminal and NO_COLOR is not set
};

/// A config file and `--set key=value` in order; load_config(config, assignments) reads both.
struct ConfigOptions {
  std::filesystem::path
      config;  ///< empty: defaults only (never for prepare, train, plan, crossval)
  std::vector<std::string> assignments;
  OutputOptions output;
};

struct PrepareOptions : ConfigOptions {};

struct TrainOptions : ConfigOptions {
  std::string
      resume;  ///< "": from the start; "auto": newest good checkpoint of run.dir if any; a path
  bool overwrite = false;       ///< discard an unfinished training in run.dir
  std::filesystem::path trace;  ///< file for what every rank did and when; empty: none
};

struct PlanOptions : ConfigOptions {
  std::int64_t ranks = 1;  ///< ranks per node of the job to plan for
  std::int64_t nodes = 1;
  std::string bandwidth;   ///< of the network, of each node in each direction; empty: not known
  bool calibrate = false;  ///< measure how fast this machine trains
};

struct CrossvalOptions : ConfigOptions {
  std::int64_t folds = 0;  ///< 0: split.folds
  bool resume = false;     ///< keep what an interrupted run has trained; else start over
};

/// A scaling experiment; without any of these: all of it.
struct BenchScalingOptions : ConfigOptions {
  bool list = false;       ///< print the runs
  bool prepare = false;    ///< the datasets only
  std::int64_t only = -1;  ///< this run of the list only
  bool collect = false;    ///< sum up what has been measured
};

struct GenerateOptions {
  std::int64_t users = 1000;
  std::int64_t items = 500;
  std::int64_t interactions = 50000;  ///< train and test together
  std::uint64_t seed = 1;
  std::int64_t dim = 8;  ///< of the planted factors
  double noise = 0.5;    ///< standard deviation added to each rating
  double test_fraction = 0.1;
  bool half_stars = false;    ///< round to 0.5, 1.0 ... 5.0
  std::filesystem::path out;  ///< PREFIX of PREFIX.train.csv and PREFIX.test.csv
  OutputOptions output;
};

/// Where a trained model is; empty means run.dir/model.h5 of the config.
struct ModelOptions : ConfigOptions {
  std::filesystem::path model;
};

struct EvaluateOptions : ModelOptions {
  std::filesystem::path dataset;  ///< empty: data.dataset of the config; with a baseline: `model`
  /// user-mean | item-mean | global-mean, with `at` popular | item-knn | ease, instead of a model
  std::string baseline;
  std::int64_t neighbours = 100;   ///< of item-knn: kept for each item
  double shrinkage = 100;          ///< of item-knn
  double ease_l2 = 500;            ///< of ease
  std::string part = "test";       ///< train | validation | test
  std::filesystem::path per_user;  ///< file for one line per user; empty: none
  std::vector<std::int64_t> at;    ///< lengths of rankings; empty: errors of predictions instead
  std::optional<double> relevant_from;   ///< least value of a relevant interaction, original units
  bool pessimistic = false;              ///< ties: relevant items last
  std::optional<std::uint64_t> sampled;  ///< candidates besides the relevant ones; none: all items
  std::uint64_t seed = 1;                ///< of the sample
  std::filesystem::path candidates;  ///< file that lists them (apps/candidate_file.hpp); or empty
  std::filesystem::path write_candidates;  ///< file for those that were sampled; or empty
  bool fold_in = false;                    ///< rows of all users from their training data
  bool segments = false;                   ///< also metrics of kinds of users and items
  std::vector<std::string> segments_by;    ///< attributes: also metrics of their values
  std::vector<std::string> diversity_by;   ///< attributes of items: also diversity of lists by them
  std::int64_t cold_below = 1;             ///< training interactions that make a user warm
};

/// Two files of `evaluate --per-user`.
struct CompareOptions {
  std::filesystem::path a;
  std::filesystem::path b;
  std::int64_t resamples = 2000;
  std::uint64_t seed = 1;
  OutputOptions output;
};

struct PredictOptions : ModelOptions {
  std::filesystem::path pairs;  ///< text with users and items; data.delimiter and others apply
  std::string time;             ///< of models that know moments; empty: the latest of the training
  std::filesystem::path out;    ///< empty: stdout
};

/// Which items may be in lists; names are of item attributes of the dataset.
struct ItemFilterOptions {
  std::filesystem::path only;       ///< file with an item per line; empty: all
  std::filesystem::path without;    ///< file with an item per line; empty: none
  std::vector<std::string> where;   ///< NAME=TEXT, NAME>=NUMBER or NAME<=NUMBER
  std::vector<std::string> quotas;  ///< NAME=N: at most N items of each value in a list
  std::int64_t min_popularity = 0;  ///< training interactions
};

struct RecommendOptions : ModelOptions {
  std::filesystem::path users;      ///< one external user id per line
  std::filesystem::path histories;  ///< of users to fold in; "-": stdin
  bool all = false;                 ///< instead of `users` or `histories`
  std::int64_t count = 10;          ///< items per user
  bool include_seen = false;        ///< also items the user has
  std::filesystem::path dataset;    ///< says what is seen; empty: what the model holds
  ItemFilterOptions filter;
  std::string fallback_by;    ///< user attribute: popularity within its values
  std::string time;           ///< of models that know moments; empty: the latest of the training
  std::string format;         ///< tsv | jsonl | hdf5; empty: tsv, or jsonl with output.json
  bool resume = false;        ///< go on with what an interrupted run has written
  std::filesystem::path out;  ///< empty: stdout
};

/// `factorps similar [MODEL] ITEM...`
struct SimilarOptions : ModelOptions {
  std::vector<std::string> arguments;
  std::int64_t count = 10;
  ItemFilterOptions filter;       ///< without quotas
  std::filesystem::path dataset;  ///< holds attributes; empty: data.dataset of the config
  std::filesystem::path out;      ///< empty: stdout
};

/// `factorps explain [MODEL] USER ITEM`
struct ExplainOptions : ModelOptions {
  std::vector<std::string> arguments;
  std::int64_t count = 10;        ///< items of the history in the text
  std::filesystem::path dataset;  ///< says what users have; empty: the model
  std::filesystem::path out;      ///< empty: stdout
};

struct InspectOptions {
  std::filesystem::path file;
  bool verify = false;  ///< checkpoints: what can be used and why not
  OutputOptions output;
};

struct ReportOptions {
  std::filesystem::path run;  ///< directory
  std::filesystem::path out;  ///< empty: report.html in it
  OutputOptions output;
};

/// Prints the effective configuration, or the documentation of all keys.
struct ShowConfigOptions : ConfigOptions {
  bool markdown = false;
};

ExitCode run_prepare(const PrepareOptions& options, comm::Environment& environment);
ExitCode run_generate(const GenerateOptions& options, comm::Environment& environment);
ExitCode run_train(const TrainOptions& options, comm::Environment& environment);
ExitCode run_evaluate(const EvaluateOptions& options, comm::Environment& environment);
ExitCode run_compare(const CompareOptions& options, comm::Environment& environment);
ExitCode run_predict(const PredictOptions& options, comm::Environment& environment);
ExitCode run_recommend(const RecommendOptions& options, comm::Environment& environment);
ExitCode run_similar(const SimilarOptions& options, comm::Environment& environment);
ExitCode run_explain(const ExplainOptions& options, comm::Environment& environment);
ExitCode run_inspect(const InspectOptions& options, comm::Environment& environment);
ExitCode run_report(const ReportOptions& options, comm::Environment& environment);
ExitCode run_plan(const PlanOptions& options, comm::Environment& environment);
ExitCode run_crossval(const CrossvalOptions& options, comm::Environment& environment);
ExitCode run_bench_scaling(const BenchScalingOptions& options, comm::Environment& environment);
ExitCode run_config(const ShowConfigOptions& options, comm::Environment& environment);

}  // namespace factorps::apps
