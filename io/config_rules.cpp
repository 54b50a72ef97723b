#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <type_traits>

#include <fmt/core.h>

#include "common/error.hpp"
#include "common/fault.hpp"
#include "io/attributes.hpp"
#include "io/config_problems.hpp"
#include "io/event_weight.hpp"
#include "io/scaling_layout.hpp"
#include "model/context.hpp"
#include "model/metric_name.hpp"

namespace factorps {
namespace {

std::optional<std::string> parse_row_table(std::string_view name) {
  constexpr std::array<std::string_view, 6> kTables{"users",    "items",   "dense",
                                                    "features", "context", "history"};
  if (std::ranges::count(kTables, name) == 0) return std::nullopt;
  return std::string{name};
}

bool within(double x, const Rule& rule) {
  return std::isfinite(x) && (rule.above_low ? x > rule.low : x >= rule.low) && x <= rule.high;
}

struct RuleCheck {
  const Rule& rule;
  bool operator()(const bool*) const { return true; }
  bool operator()(const std::int64_t* x) const { return within(static_cast<double>(*x), rule); }
  bool operator()(const std::uint64_t* x) const { return within(static_cast<double>(*x), rule); }
  bool operator()(const double* x) const { return within(*x, rule); }
  bool operator()(const std::optional<double>* x) const { return !*x || within(**x, rule); }
  bool operator()(const std::string* x) const {
    return rule.choices.empty() || std::ranges::count(rule.choices, *x) > 0;
  }
  bool operator()(const std::filesystem::path*) const { return true; }  // empty: unset
  bool operator()(const std::vector<std::filesystem::path>* x) const {
    return std::ranges::none_of(*x, [](const auto& path) { return path.empty(); });
  }
  bool operator()(const std::vector<std::string>* x) const {
    return std::ranges::none_of(*x, [](const auto& text) { return text.empty(); });
  }
  bool operator()(const std::vector<std::int64_t>* x) const {
    return std::ranges::all_of(*x,
                               [&](auto item) { return within(static_cast<double>(item), rule); });
  }
};

/// The rules between keys. Says each problem at the key that is the likelier mistake.
class CrossCheck {
 public:
  CrossCheck(Config& config, ConfigProblems& problems)
      : config_{config}, fields_{config_fields(config)}, problems_{problems} {}

  void run() {
    require(!config_.data.delimiter.empty(), "data.delimiter", "a name or the text between fields");
    require(!config_.data.hash_item_ids || !config_.data.id_key_file.empty(), "data.hash_item_ids",
            "false, because data.id_key_file is not set");
    check_events();
    check_split();
    check_fractions();
    check_clean();
    check_attributes("users", config_.attributes.users);
    check_attributes("items", config_.attributes.items);
    check_decay();
    check_solver();
    check_rows();
    check_validation_users();
    check_rebalance();
    check_scaling();
    check_faults();
  }

 private:
  void require(bool good, std::string_view key, std::string_view expected) {
    if (good || problems_.is_bad(key)) return;  // a bad key has been reported by itself
    const auto field = std::ranges::find(fields_, key, &Field::key);
    problems_.add(key, toml_value(*field), expected);
  }

  void check_events() {
    const DataConfig& data = config_.data;
    const auto name_of = [](const std::string& text) {
      const auto event = parse_event_weight(text);
      return event ? std::optional{event->name} : std::nullopt;
    };
    require_each("data.event_weights", data.event_weights, name_of,
                 "\"name=weight\", such as \"view=1\"");
    require(data.event.empty() || !data.event_weights.empty(), "data.event_weights",
            "a weight for each type of event, because data.columns.event is set");
    require(!data.event.empty() || data.event_weights.empty(), "data.columns.event",
            "a column, because data.event_weights is set");
  }

  void check_split() {
    const SplitConfig& split = config_.split;
    const bool given = split.method == "given";
    require(!given || !config_.data.test.empty(), "data.test",
            "a list of files, because split.method = \"given\"");
    require(given || config_.data.test.empty(), "split.method",
            "\"given\", because data.test lists files");
    require(split.fold <= split.folds, "split.fold",
            fmt::format("at most split.folds = {}", split.folds));
    require(split.method != "time" || !split.time_cut.empty(), "split.time_cut",
            "a time, because split.method = \"time\"");
    require(split.validation_method != "time" || !split.validation_time_cut.empty(),
            "split.validation_time_cut", "a time, because split.validation_method = \"time\"");
    require(split.validation_method != "users" || split.method == "users" || split.method == "none",
            "split.validation_method",
            fmt::format("another one than \"users\", because split.method = \"{}\"", split.method));
  }

  void check_fractions() {
    const SplitConfig& split = config_.split;
    const auto by_fraction = [](std::string_view method) {
      return method == "random" || method == "per_user" || method == "users";
    };
    const bool test = by_fraction(split.method);
    require(!test || (split.test_fraction > 0 && split.test_fraction < 1), "split.test_fraction",
            fmt::format("a number between 0 and 1, because split.method = \"{}\"", split.method));
    const bool validation = by_fraction(split.validation_method);
    require(!validation || (split.validation_fraction > 0 && split.validation_fraction < 1),
            "split.validation_fraction",
            fmt::format("a number between 0 and 1, because split.validation_method = \"{}\"",
                        split.validation_method));
  }

  void check_clean() {
    const CleanConfig& clean = config_.clean;
    require(clean.strict || clean.max_bad_rows > 0, "clean.max_bad_rows",
            "at least 1, because clean.strict = false");
    require(!clean.strict || clean.max_bad_rows == 0, "clean.strict",
            "false, because clean.max_bad_rows is set");
    require(!clean.min_value || !clean.max_value || *clean.min_value <= *clean.max_value,
            "clean.max_value", "at least clean.min_value");
    require(clean.returns != "net" || clean.duplicates == "sum", "clean.duplicates",
            "\"sum\", because clean.returns = \"net\"");
    require(!clean.binary || clean.normalise == "none", "clean.normalise",
            "\"none\", because clean.binary makes all values alike");
    require(clean.half_life_days == 0 || clean.normalise == "none", "clean.normalise",
            "\"none\", because clean.half_life_days changes training values alone");
  }

  void check_attributes(const std::string& table, const AttributeFilesConfig& files) {
    const std::string at = "attributes." + table + '.';
    std::vector<std::string> names;  // of attributes
    const auto add = [&](const char* key, const std::string& name) {
      names.push_back(name);
      const std::string problem = problem_of_attribute_name(name);
      if (problem.empty()) return;
      problems_.add(at + key, '"' + name + '"',
                    fmt::format("another name ({}columns can give one): this one {}", at, problem));
    };
    for (const std::string& name : files.categories) add("categories", name);
    for (const std::string& name : files.tags) add("tags", name);
    for (const std::string& name : files.numbers) add("numbers", name);
    if (!files.flags.empty()) add("flags_as", files.flags_as);
    require(names.empty() || !files.source.empty(), at + "source",
            "a list of files, because columns are named");
    require(files.source.empty() || !names.empty(), at + "categories",
            "a column, here or in tags, numbers or flags");
    require(files.header != "no" || !files.columns.empty(), at + "columns",
            "the names of all columns, because header = \"no\"");
    require(!files.delimiter.empty(), at + "delimiter", "a name or the text between fields");
    require(!files.tag_separator.empty(), at + "tag_separator", "the text between tags");
    const std::set<std::string> distinct{names.begin(), names.end()};
    require(distinct.size() == names.size(), at + "categories",
            "every name once in categories, tags, numbers and flags_as");
    const std::set<std::string> columns{files.columns.begin(), files.columns.end()};
    require(columns.size() == files.columns.size(), at + "columns", "every name once");
  }

  void check_decay() {
    const TrainConfig& train = config_.train;
    const auto follows = [&](std::string_view schedule) { return train.schedule == schedule; };
    require(!follows("exponential") || (train.decay > 0 && train.decay <= 1), "train.decay",
            "above 0 and at most 1, because train.schedule = \"exponential\"");
    require(!(follows("plateau") || follows("bold_driver")) || (train.decay > 0 && train.decay < 1),
            "train.decay",
            fmt::format("between 0 and 1, because train.schedule = \"{}\"", train.schedule));
  }

  void check_solver() {
    const bool ials = config_.train.solver == "ials";
    const std::string& metric = config_.evaluate.metric;
    if (solves_rows(config_)) {
      const auto why = fmt::format(", because train.solver = \"{}\"", config_.train.solver);
      require(config_.train.loss == "squared", "train.loss", fmt::format("\"squared\"{}", why));
      require(config_.cluster.wire == "fp32", "cluster.wire", fmt::format("\"fp32\"{}", why));
    }
    if (!learns_to_rank(config_)) {
      require(metric == "rmse" || metric == "mae", "evaluate.metric",
              fmt::format("\"rmse\" or \"mae\", because {}",
                          solves_rows(config_)
                              ? "train.solver = \"als\""
                              : fmt::format("train.loss = \"{}\"", config_.train.loss)));
      return;
    }
    const std::string why = ials ? ", because train.solver = \"ials\""
                                 : fmt::format(", because train.loss = \"{}\"", config_.train.loss);
    require(parse_metric(metric).has_value(), "evaluate.metric",
            fmt::format("a ranking metric such as \"ndcg@20\" or \"recall@20\"{}", why));
    if (pulls_rows(config_)) return;
    require(ials || config_.cluster.lease != "sparse", "cluster.lease",
            fmt::format("\"dense\" or \"auto\"{}", why));
    require(!config_.model.biases, "model.biases", fmt::format("false{}", why));
    require(!config_.model.mean, "model.mean", fmt::format("false{}", why));
  }

  void check_rows() {
    const ModelConfig& model = config_.model;
    if (!pulls_rows(config_)) {
      require(model.kind == "mf", "model.kind", "\"mf\", or train.solver = \"rows\"");
      return;
    }
    constexpr std::string_view why = ", because train.solver = \"rows\"";
    const std::string& loss = config_.train.loss;
    require(loss == "squared" || loss == "logistic" || loss == "bpr", "train.loss",
            fmt::format("\"squared\", \"logistic\" or \"bpr\"{}", why));
    require(loss != "bpr" || config_.rows.negatives > 0, "rows.negatives",
            "at least 1, because train.loss = \"bpr\"");
    check_heads(model);
    require(config_.cluster.rebalance == 0, "cluster.rebalance", fmt::format("0{}", why));
    require_each("rows.frozen", config_.rows.frozen, parse_row_table,
                 "names of tables: \"users\", \"items\", \"dense\", \"features\", \"context\" or "
                 "\"history\"");
    const RowsConfig& rows = config_.rows;
    const auto frozen_only_if = [&](bool there, const char* table, const char* why_not) {
      require(there || std::ranges::count(rows.frozen, table) == 0, "rows.frozen",
              fmt::format("no \"{}\", because {}", table, why_not));
    };
    frozen_only_if(model.kind == "fm", "features", "model.kind is not \"fm\"");
    frozen_only_if(!model.context.empty(), "context", "model.context is empty");
    frozen_only_if(model.history, "history", "model.history is false");
    require(model.kind == "fm" || rows.frozen_attributes.empty(), "rows.frozen_attributes",
            "nothing, because model.kind is not \"fm\"");
  }

  void check_heads(const ModelConfig& model) {
    const bool layers = model.kind == "mlp" || model.kind == "neumf";
    const auto of = [&](const char* kinds) {
      return fmt::format(", because model.kind = \"{}\" ({})", model.kind, kinds);
    };
    require(!layers || (!model.tower.empty() && model.tower.front() % 2 == 0), "model.tower",
            "one width or more, of which the first is even");
    require(layers || model.dropout == 0, "model.dropout",
            fmt::format("0{}", of("for mlp and neumf")));
    const std::size_t models = model.pretrained.size();
    require(model.kind == "neumf" || models == 0, "model.pretrained",
            fmt::format("nothing{}", of("for neumf")));
    require(models == 0 || models == 2, "model.pretrained",
            "two files: the model.h5 of a gmf, then that of an mlp");
    const bool fm = model.kind == "fm";
    require(fm || model.user_attributes.empty(), "model.user_attributes",
            fmt::format("nothing{}", of("for fm")));
    require(fm || model.item_attributes.empty(), "model.item_attributes",
            fmt::format("nothing{}", of("for fm")));
    require(fm || model.context.empty(), "model.context", fmt::format("nothing{}", of("for fm")));
    require(fm || !model.history, "model.history", fmt::format("false{}", of("for fm")));
    require_each("model.context", model.context, context_from,
                 "\"weekday\", \"month\" or \"hour\"");
  }

  void check_validation_users() {
    if (config_.split.validation_method != "none") return;
    constexpr std::string_view why =
        ", because split.validation_method = \"none\" leaves nothing to measure";
    require(config_.train.patience == 0, "train.patience", fmt::format("0{}", why));
    require(config_.train.schedule != "plateau", "train.schedule",
            fmt::format("another schedule{}", why));
    require(config_.evaluate.keep != "best", "evaluate.keep", fmt::format("\"last\"{}", why));
  }

  void check_rebalance() {
    require(config_.cluster.rebalance == 0 || config_.cluster.wire == "fp32", "cluster.rebalance",
            "0, because with cluster.wire = \"bf16\" the result depends on where strips are");
  }

  /// Says of every text of a list that is wrong what was expected, and of those that come twice.
  template <class Parse>
  void require_each(std::string_view key, const std::vector<std::string>& texts, Parse parse,
                    std::string_view expected) {
    std::vector<decltype(parse(""))> seen;
    for (const std::string& text : texts) {
      const auto value = parse(text);
      const bool twice = value && std::ranges::count(seen, value) > 0;
      if (value && !twice) seen.push_back(value);
      if (value && !twice) continue;
      problems_.add(key, fmt::format("\"{}\"", text),
                    twice ? "each one once" : std::string{expected});
    }
  }

  void check_scaling() {
    const ScalingConfig& scaling = config_.scaling;
    require_each("scaling.layouts", scaling.layouts, parse_scaling_layout,
                 "NODESxWORKERS or NODESxWORKERSsSERVERS of each node, such as \"2x4\" or "
                 "\"2x4s2\" (s0 with one worker only)");
    require_each("scaling.grids", scaling.grids, parse_grid_size,
                 "STRIPSxBLOCKS, such as \"32x16\"");
    const std::set<std::int64_t> dims{scaling.dims.begin(), scaling.dims.end()};
    require(dims.size() == scaling.dims.size(), "scaling.dims", "each one once");
    require(!scaling.launcher.empty(), "scaling.launcher", "a command, such as [\"mpirun\"]");
    require(scaling.mode != "weak" || scaling.users > 0, "scaling.users",
            "users per worker, because scaling.mode = \"weak\"");
    constexpr std::string_view kWhy = "at least 1, because scaling.users is set";
    require(scaling.users == 0 || scaling.items > 0, "scaling.items", kWhy);
    require(scaling.users == 0 || scaling.interactions > 0, "scaling.interactions", kWhy);
  }

  void check_faults() {
    for (const std::string& text : config_.faults.inject) {
      try {
        static_cast<void>(parse_fault(text));
      } catch (const ConfigError& error) {
        problems_.add("faults.inject", fmt::format("\"{}\"", text),
                      fmt::format("a fault as in docs/faults.md; {}", error.what()));
      }
    }
  }

  Config& config_;
  std::vector<Field> fields_;
  ConfigProblems& problems_;
};

void fill_in_defaults(Config& config, const ConfigProblems& problems) {
  if (!problems.is_set("split.method") && !config.data.test.empty()) config.split.method = "given";
  if (!problems.is_set("clean.strict") && config.clean.max_bad_rows > 0)
    config.clean.strict = false;
  if (!problems.is_set("clean.duplicates") && config.clean.returns == "net")
    config.clean.duplicates = "sum";
  if (!problems.is_set("evaluate.keep") && config.split.validation_method == "none")
    config.evaluate.keep = "last";
  if (!problems.is_set("ials.method") && config.train.solver == "als")
    config.ials.method = "cholesky";
  if (pulls_rows(config)) {
    if (!problems.is_set("train.learning_rate")) config.train.learning_rate = 0.001;
    if (!problems.is_set("train.l2")) config.train.l2 = 0;
  }
  if (!learns_to_rank(config)) return;
  if (!problems.is_set("model.biases") && !pulls_rows(config)) config.model.biases = false;
  if (!problems.is_set("model.mean")) config.model.mean = false;
  if (!problems.is_set("evaluate.metric")) config.evaluate.metric = "ndcg@20";
}

}  // namespace

bool solves_rows(const Config& config) {
  return config.train.solver == "als" || config.train.solver == "ials";
}

bool pulls_rows(const Config& config) { return config.train.solver == "rows"; }
bool saves_on_the_way(const Config& config) {
  const CheckpointConfig& checkpoint = config.checkpoint;
  return checkpoint.interval == "auto" || checkpoint.every_epochs > 0 ||
         checkpoint.every_minutes > 0 || config.evaluate.keep == "best";
}

bool learns_to_rank(const Config& config) {
  constexpr std::array kValueLosses{"squared", "absolute", "huber"};
  if (solves_rows(config)) return config.train.solver == "ials";
  return std::ranges::count(kValueLosses, config.train.loss) == 0;
}

void ConfigProblems::add(std::string_view key, std::string_view value, std::string_view expected) {
  const auto place = places_.find(key);
  const std::string where = place != places_.end() ? place->second + ": "
                            : file_.empty()        ? std::string{}
                                                   : file_ + ": ";
  const std::string_view shown = value.empty() ? "(not set)" : value;
  const std::string_view origin = place == places_.end() && !value.empty() ? " (default)" : "";
  bad_.insert(std::string{key});
  add(fmt::format("{}{} = {}{}: expected {}", where, key, shown, origin, expected));
}

void ConfigProblems::throw_if_any() const {
  if (problems_.empty()) return;
  if (problems_.size() == 1) throw ConfigError{problems_.front()};
  std::string text = fmt::format("{} problems in the configuration", problems_.size());
  for (const std::string& problem : problems_) text += "\n  " + problem;
  throw ConfigError{text};
}

bool obeys_rule(const Field& field) { return std::visit(RuleCheck{field.rule}, field.value); }

void complete_and_check(Config& config, ConfigProblems& problems) {
  fill_in_defaults(config, problems);
  CrossCheck{config, problems}.run();
}

}  // namespace factorps
