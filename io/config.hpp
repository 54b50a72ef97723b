/// The configuration of a run, from raw data to model. One TOML file; every subcommand reads it.
///
/// Defaults stand here; names, ranges and help are declared once in io/config_schema.cpp, from
/// which the parser, --set, the validation and docs/configuration.md are made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace factorps {

struct DataConfig {
  std::vector<std::filesystem::path> source;
  std::vector<std::filesystem::path> test;  ///< used when split.method = "given"
  std::string format = "auto";              ///< auto | triples | csv | movielens | inter | lists
  std::string delimiter = "auto";  ///< auto | space | tab | comma | semicolon | "::" | any text
  std::string header = "auto";     ///< auto | yes | no
  std::string user = "user";       ///< column names, or 1-based numbers as text
  std::string item = "item";
  std::string value = "auto";  ///< auto: rating | value | ... ; "" : every interaction is 1
  std::string time = "auto";   ///< auto: timestamp | time | ... ; "" : none
  std::string event = "";      ///< "" : all rows are alike
  std::vector<std::string> event_weights = {};  ///< io/event_weight.hpp
  std::filesystem::path dataset = "dataset.h5";
  std::filesystem::path id_key_file = {};  ///< io/id_key.hpp; empty: ids are stored as they are
  bool hash_item_ids = false;              ///< those of items too
  bool store_times = false;                ///< in the dataset
};

/// Files that say something of users or items: one line each.
struct AttributeFilesConfig {
  std::vector<std::filesystem::path> source;
  std::string delimiter = "auto";       ///< as of data
  std::string header = "auto";          ///< auto: yes if there are no `columns`
  std::vector<std::string> columns;     ///< names of all columns, if the file has none or others
  std::string id;                       ///< column; "": the first
  std::vector<std::string> categories;  ///< columns of one text
  std::vector<std::string> tags;        ///< columns of several texts
  std::string tag_separator = "|";
  std::vector<std::string> numbers;  ///< columns
  std::vector<std::string> flags;    ///< columns of 0 and 1: together the tags `flags_as`
  std::string flags_as = "flags";
  std::vector<std::string> missing;  ///< fields that mean the same as an empty one
};

struct AttributesConfig {
  AttributeFilesConfig users;
  AttributeFilesConfig items;
};

struct CleanConfig {
  bool strict = true;
  std::int64_t max_bad_rows = 0;    ///< when not strict
  std::optional<double> min_value;  ///< smaller values are bad rows
  std::optional<double> max_value;
  std::string duplicates = "keep_last";    ///< keep_all | keep_last | keep_first | mean | sum | max
  std::int64_t min_user_interactions = 0;  ///< k-core
  std::int64_t min_item_interactions = 0;
  std::string returns = "keep";         ///< of negative values: keep | drop | net
  bool drop_without_user = false;       ///< rows whose user is empty; otherwise they are bad
  std::optional<double> threshold;      ///< smaller values are dropped once duplicates are merged
  bool binary = false;                  ///< every value becomes 1
  double half_life_days = 0;            ///< of training values; 0: they do not age
  std::string time_from;                ///< unix seconds or ISO date-time, inclusive
  std::string time_to;                  ///< exclusive
  std::string normalise = "none";       ///< none | mean | zscore | minmax
  std::string normalise_by = "global";  ///< global | user | item
};

struct SplitConfig {
  /// none | given | random | per_user | leave_last | time | folds | users
  std::string method = "random";
  /// none | random | per_user | leave_last | time | users
  std::string validation_method = "random";
  double test_fraction = 0.1;
  double validation_fraction = 0.05;
  double fold_in_fraction = 0.8;  ///< of the history of a held-out user, for users
  std::int64_t leave_last = 1;    ///< interactions per user, for leave_last
  std::string time_cut;           ///< test is from here on, for time
  std::string validation_time_cut;
  std::uint64_t seed = 1;
  std::int64_t folds = 5;
  std::int64_t fold = 1;  ///< 1 ... folds; this fold is test
};

struct GridConfig {
  std::int64_t parallelism = 8;   ///< workers that the grid must feed
  std::int64_t strips = 0;        ///< 0: derived
  std::int64_t blocks = 0;        ///< 0: derived
  std::int64_t cache_kib = 1024;  ///< second-level cache of one core
};

struct ModelConfig {
  std::string kind = "mf";  ///< mf | mf-linear | gmf | mlp | neumf | fm
  std::int64_t dim = 32;
  bool mean = true;  ///< whether mu, the mean of the training values, is added
  bool biases = true;
  double init_std = 0.1;  ///< standard deviation of a factor times sqrt(dim)
  std::vector<std::int64_t> tower = {64, 32, 16, 8};   ///< widths of the layers of mlp and neumf
  double dropout = 0;                                  ///< of the inputs of each layer
  std::vector<std::filesystem::path> pretrained = {};  ///< a gmf and an mlp that neumf starts from
  double pretrained_alpha = 0.5;                  ///< share of the gmf in the scores it starts with
  std::vector<std::string> user_attributes = {};  ///< features of fm
  std::vector<std::string> item_attributes = {};
  std::vector<std::string> context = {};  ///< features of fm: weekday | month | hour
  bool history = false;                   ///< of fm: items that the user had before
  std::int64_t history_items = 50;        ///< the latest
  double history_exponent = 0.5;          ///< each of n counts n^-this
};

struct TrainConfig {
  std::string solver = "sgd";
  std::string loss = "squared";  ///< squared | absolute | huber | softmax | ccl | bpr | logistic
  double huber_delta = 1.0;
  std::int64_t epochs = 20;
  std::uint64_t seed = 1;
  double learning_rate = 0.1;
  std::optional<double> learning_rate_bias;  ///< default: learning_rate
  double l2 = 0.03;
  std::optional<double> l2_user;  ///< default: l2
  std::optional<double> l2_item;
  std::optional<double> l2_bias;
  std::string optimizer = "adagrad";  ///< sgd | adagrad
  std::string schedule =
      "constant";             ///< constant | exponential | inverse_time | plateau | bold_driver
  double decay = 0.9;         ///< factor or rate of the schedule
  std::int64_t patience = 0;  ///< evaluations without improvement before stopping; 0: never
  double min_delta = 0.0;
  double time_limit_minutes = 0;  ///< 0: none
  double reserve_seconds = 60;    ///< kept free before a SLURM allocation ends
};

/// For train.solver = "ials"; the inner solver and the exponent for "als" too.
struct IalsConfig {
  double unobserved_weight = 0.1;   ///< of every pair; an interaction counts `confidence` besides
  double l2_exponent = 1;           ///< of the frequency in the penalty of a row
  std::string method = "subspace";  ///< cholesky | subspace | cg
  std::int64_t block = 64;          ///< columns solved together, for subspace
  std::int64_t cg_steps = 3;        ///< per row and epoch, for cg
  std::string confidence = "one";   ///< one | linear | log
  double alpha = 1;
  double epsilon = 1;
  std::string copies = "auto";  ///< of both tables on every node: auto | whole | streamed
  std::int64_t buffer_mib = 0;  ///< of a node, for rows of others, if streamed; 0: derived
};

/// For losses that rank: train.loss = softmax | ccl | bpr | logistic.
struct RankingConfig {
  std::int64_t negatives = 256;   ///< items that a batch is compared with
  std::int64_t batch = 256;       ///< interactions
  std::string scores = "cosine";  ///< cosine | dot
  double temperature = 0.1;       ///< of softmax
  double exponent = 1;            ///< of the sum in softmax
  double margin = 0.4;            ///< of ccl
  double negative_weight = 100;   ///< of ccl and logistic
  double l2_negative = 0;
  double popularity_exponent = 0;  ///< of the interactions of an item, to be drawn; 0: uniform
  bool exclude_positives = false;
  double user_dropout = 0;  ///< share of the users that an epoch goes without
};

/// For train.solver = "rows".
struct RowsConfig {
  std::string consistency = "bsp";  ///< bsp | ssp | asp
  std::int64_t staleness = 1;       ///< steps, for ssp
  std::int64_t batch = 1024;        ///< interactions
  std::int64_t lanes = 16;          ///< parts of a batch
  std::int64_t negatives = 4;       ///< for each interaction, for logistic and bpr
  std::string optimizer = "adam";   ///< sgd | momentum | adagrad | adagrad_row | adam | ftrl
  std::optional<double> learning_rate_dense;  ///< default: train.learning_rate
  double l2_dense = 0;
  double clip_norm = 0;
  double momentum = 0.9;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double ftrl_beta = 1;
  double ftrl_l1 = 0;
  double ftrl_l2 = 0;
  std::vector<std::string> frozen = {};  ///< tables: users | items | dense | features
  std::filesystem::path frozen_users = {};
  std::filesystem::path frozen_items = {};
  std::vector<std::string> frozen_attributes = {};  ///< [users.NAME, items.NAME=VALUE]
};

struct EvaluateConfig {
  std::int64_t every = 1;       ///< epochs; the last epoch is always evaluated
  std::string metric = "rmse";  ///< rmse | mae, or a ranking metric: ndcg@20 ...
  bool clip = true;             ///< predictions to the rating range
  std::string keep = "best";    ///< best | last : which epoch becomes model.h5
};

struct CheckpointConfig {
  std::string interval = "fixed";  ///< fixed | auto
  double mtbf_hours = 24;          ///< mean time between failures of the job, for auto
  bool background = true;          ///< saved while training goes on
  std::int64_t every_epochs = 1;   ///< 0: never by epochs
  double every_minutes = 0;        ///< 0: never by time
  std::int64_t keep = 2;           ///< newest checkpoints kept, beside the best
  std::int64_t keep_every = 0;     ///< epochs; those that this divides stay too; 0: none
};

struct ClusterConfig {
  std::int64_t servers = 1;           ///< ranks that serve
  std::int64_t node_size = 0;         ///< ranks per pretend node; 0: a node is a machine
  std::int64_t blocks_in_flight = 2;  ///< places of a node for blocks on their way in
  std::string lease = "auto";         ///< rows that travel: dense | sparse | auto
  std::string wire = "fp32";          ///< of factors between nodes: fp32 | bf16
  std::int64_t rebalance = 0;         ///< epochs between moves of strips to faster nodes; 0: never
  std::int64_t workers = 0;           ///< worker threads without a launcher; 0: one per core
  double timeout_seconds = 300;       ///< a wait longer than this ends the job
  double watchdog_seconds = 10;       ///< a rank that stands still for longer ends the job
  std::string instruction_set = "auto";  ///< auto | avx512 | avx2 | sse4 | reference
};

struct RunConfig {
  std::filesystem::path dir = "runs/default";
  bool store_seen = true;         ///< keep each user's training items in model.h5 for recommend
  std::string store_ids = "all";  ///< in model.h5: all | items | none
  bool own_only = false;          ///< files that only their owner may read
};

/// The runs of `factorps bench scaling`.
struct ScalingConfig {
  std::vector<std::string> layouts;  ///< io/scaling_layout.hpp
  std::vector<std::int64_t> dims;    ///< empty: model.dim
  std::vector<std::string> grids;    ///< empty: what [grid] says
  std::string mode = "strong";       ///< strong | weak
  std::int64_t users = 0;            ///< of generated data; 0: the data of [data]
  std::int64_t items = 0;
  std::int64_t interactions = 0;
  std::int64_t repetitions = 5;
  std::uint64_t seed = 1;  ///< of the order of runs and of generated data
  std::vector<std::string> launcher = {"mpirun", "--quiet", "--oversubscribe", "--bind-to", "none"};
};

/// What goes wrong on purpose; docs/faults.md.
struct FaultsConfig {
  std::vector<std::string> inject = {};
};

struct Config {
  DataConfig data;
  AttributesConfig attributes;
  CleanConfig clean;
  SplitConfig split;
  GridConfig grid;
  ModelConfig model;
  TrainConfig train;
  IalsConfig ials;
  RankingConfig ranking;
  RowsConfig rows;
  EvaluateConfig evaluate;
  CheckpointConfig checkpoint;
  ClusterConfig cluster;
  RunConfig run;
  ScalingConfig scaling;
  FaultsConfig faults;
};

/// Whether rows are solved, each against the other table: `als` and `ials`.
[[nodiscard]] bool solves_rows(const Config& config);
/// Whether rows are pulled and pushed: `rows`.
[[nodiscard]] bool pulls_rows(const Config& config);
/// Whether checkpoints may be written before the end of the training, as far as the configuration
/// alone says.
[[nodiscard]] bool saves_on_the_way(const Config& config);
/// Whether the training orders items instead of predicting values.
[[nodiscard]] bool learns_to_rank(const Config& config);

/// Reads a TOML file, applies `key=value` assignments in order, and validates.
/// Relative paths in the file are relative to it, in assignments to the current directory.
/// @throws ConfigError listing every problem: file:line, key, value, expectation, nearest name
[[nodiscard]] Config load_config(const std::filesystem::path& file,
                                 const std::vector<std::string>& assignments = {});
/// The complete effective configuration as TOML; reading it back gives an equal Config.
[[nodiscard]] std::string to_toml(const Config& config);
/// The same as JSON, an object per section; null for a key without a value.
[[nodiscard]] std::string to_json(const Config& config);
/// The fields that decide which bits a training computes ([model], [train], [evaluate] and so
/// on, without paths, cluster and limits), one "key = value" per line; compared on resume.
[[nodiscard]] std::string training_identity(const Config& config);
/// docs/configuration.md.
[[nodiscard]] std::string configuration_markdown();

}  // namespace factorps
