#include "io/prepare/prepare.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/parallel.hpp"
#include "common/random.hpp"
#include "common/timer.hpp"
#include "io/dataset_writer.hpp"
#include "io/prepare/arrange.hpp"
#include "io/prepare/attribute_files.hpp"
#include "io/prepare/clean.hpp"
#include "io/prepare/decay.hpp"
#include "io/prepare/hash_ids.hpp"
#include "io/prepare/leaks.hpp"
#include "io/prepare/merge.hpp"
#include "io/prepare/normalise.hpp"
#include "io/prepare/split.hpp"
#include "io/prepare/step_counter.hpp"
#include "io/text/date_time.hpp"

namespace factorps {
namespace {

std::optional<std::int64_t> time_setting(const std::string& text, const char* key) {
  if (text.empty()) return std::nullopt;
  if (const auto time = parse_time(text)) return time;
  throw ConfigError{
      fmt::format("{} = \"{}\", expected unix seconds or an ISO date-time", key, text)};
}

/// The step of a config that cannot do without times, or nullptr.
const char* step_that_needs_time(const Config& config) {
  if (!config.clean.time_from.empty() || !config.clean.time_to.empty())
    return "clean.time_from, clean.time_to";
  if (config.clean.half_life_days > 0) return "clean.half_life_days";
  if (config.data.store_times) return "data.store_times";
  if (needs_time(test_rule(config.split))) return "split.method";
  if (needs_time(validation_rule(config.split))) return "split.validation_method";
  return nullptr;
}

/// Times one phase after the other.
class PhaseClock {
 public:
  void finish(const char* name) {
    const double cpu = process_cpu_seconds();
    phases_.push_back({name, watch_.seconds(), cpu - cpu_});
    cpu_ = cpu;
    watch_.restart();
  }
  [[nodiscard]] std::vector<PreparePhase> release() { return std::move(phases_); }

 private:
  std::vector<PreparePhase> phases_;
  Stopwatch watch_;
  double cpu_ = process_cpu_seconds();
};

/// The stages of prepare() after reading.
class Pipeline {
 public:
  Pipeline(const Config& config, std::vector<RawFile> files, std::uint32_t threads,
           std::optional<IdKey> key, PhaseClock& clock)
      : config_{config}, threads_{threads}, key_{std::move(key)}, clock_{clock} {
    result_.summary.files = std::move(files);
  }

  PrepareResult run(std::vector<Chunk> chunks) {
    merge(std::move(chunks));
    clean();
    split();
    normalise();
    write();
    return std::move(result_);
  }

 private:
  void merge(std::vector<Chunk> chunks) {
    raw_ =
        merge_chunks(std::move(chunks), row_rules(config_, summary().files).max_bad_rows, threads_);
    summary().lines = raw_.lines;
    summary().bad = std::move(raw_.bad);
    summary().skipped = raw_.skipped;
    if (key_) hash_ids(raw_, *key_, config_.data.hash_item_ids);
    counter_ = StepCounter{raw_};
    clock_.finish("merge");
  }

  void clean() {
    const auto from = time_setting(config_.clean.time_from, "clean.time_from");
    const auto to = time_setting(config_.clean.time_to, "clean.time_to");
    if (from || to) {
      keep_time_window(raw_, from, to);
      counter_.count("time window", raw_.rows, raw_.source_rows);
    }
    data_ = group_by_user(std::exchange(raw_.rows, {}), raw_.source_rows, raw_.user_ids.size(),
                          raw_.item_ids.size(), threads_);
    clock_.finish("group by user");
    clean_values();
    if (config_.clean.min_user_interactions > 1 || config_.clean.min_item_interactions > 1) {
      keep_core(data_, config_.clean.min_user_interactions, config_.clean.min_item_interactions);
      counter_.count(fmt::format("core {} / {}", config_.clean.min_user_interactions,
                                 config_.clean.min_item_interactions),
                     data_.rows, training_rows(data_));
    }
    summary().steps = counter_.steps();
    clock_.finish("clean");
  }

  void clean_values() {
    const CleanConfig& clean = config_.clean;
    if (clean.returns == "drop")
      keep_values("returns drop", [](float value) { return value >= 0; });
    const Duplicates duplicates = duplicates_from(clean.duplicates);
    if (duplicates != Duplicates::keep_all) {
      merge_duplicates(data_, duplicates);
      counter_.count("duplicates " + clean.duplicates, data_.rows, training_rows(data_));
    }
    if (clean.returns == "net") keep_values("returns net", [](float value) { return value > 0; });
    if (clean.threshold) {
      const auto least = static_cast<float>(*clean.threshold);
      keep_values(fmt::format("threshold {}", *clean.threshold),
                  [least](float value) { return value >= least; });
    }
    if (clean.binary) std::fill(data_.rows.values.begin(), data_.rows.values.end(), 1.0F);
  }

  template <class Good>
  void keep_values(const std::string& step, const Good& good) {
    keep_rows(data_, [&](std::size_t n) { return good(data_.rows.values[n]); });
    counter_.count(step, data_.rows, training_rows(data_));
  }

  void split() {
    const SplitRule test = test_rule(config_.split);
    const PairRandom pairs{raw_.user_ids, raw_.item_ids};
    const std::uint64_t seed = config_.split.seed;
    apply_split(data_, test, Part::test, {seed, Purpose::split_test}, pairs, threads_);
    counter_.count_split("test split " + config_.split.method, training_rows(data_));
    apply_split(data_, validation_rule(config_.split), Part::validation,
                {seed, Purpose::split_validation}, pairs, threads_);
    counter_.count_split("validation split " + config_.split.validation_method,
                         training_rows(data_));
    const auto rows = [&](Part part) {
      return static_cast<std::uint64_t>(std::count(data_.parts.begin(), data_.parts.end(), part));
    };
    summary().split = fmt::format("test {}, validation {}", config_.split.method,
                                  config_.split.validation_method);
    summary().seed = seed;
    summary().train = rows(Part::train);
    summary().validation = rows(Part::validation);
    summary().test = rows(Part::test);
    summary().fold_in = rows(Part::fold_in);
    clock_.finish("split");
    const bool by_time = test.method == SplitRule::Method::time;
    summary().leaks = find_leaks(data_, by_time ? std::optional{test.time_cut} : std::nullopt);
    clock_.finish("leak report");
  }

  void normalise() {
    if (config_.clean.half_life_days > 0) decay_values(data_, config_.clean.half_life_days);
    float least = std::numeric_limits<float>::infinity();
    float most = -least;
    for (std::size_t n = 0; n < data_.size(); ++n) {
      if (data_.parts[n] != Part::train) continue;
      least = std::min(least, data_.rows.values[n]);
      most = std::max(most, data_.rows.values[n]);
    }
    const bool as_read = !config_.clean.binary && config_.clean.half_life_days == 0;
    if (as_read && config_.clean.min_value) least = static_cast<float>(*config_.clean.min_value);
    if (as_read && config_.clean.max_value) most = static_cast<float>(*config_.clean.max_value);
    summary().value_min = least;
    summary().value_max = most;
    const bool any = config_.clean.normalise != "none";
    summary().normalise =
        any ? config_.clean.normalise + " by " + config_.clean.normalise_by : "none";
    normalisation_ =
        learn_normalisation(data_, config_.clean.normalise, config_.clean.normalise_by);
    if (any) apply_normalisation(data_, normalisation_);
    if (!config_.data.store_times) data_.rows.times = {};
    clock_.finish("normalise");
  }

  void write() {
    DatasetContents contents = arrange(std::exchange(data_, {}), raw_.user_ids, raw_.item_ids,
                                       normalisation_, config_, threads_);
    clock_.finish("permute");
    summary().all = {contents.interactions.users.size(), contents.user_ids.size(),
                     contents.item_ids.size()};
    summary().strips = contents.grid.strips();
    summary().blocks = contents.grid.blocks();
    contents.user_attributes =
        attributes("users", config_.attributes.users, {contents.user_ids, key_, IdSide::user});
    contents.item_attributes =
        attributes("items", config_.attributes.items, {contents.item_ids, key_, IdSide::item});
    contents.value_min = summary().value_min;
    contents.value_max = summary().value_max;
    contents.seed = config_.split.seed;
    if (!summary().attributes.empty()) clock_.finish("attributes");
    PrepareSummary stored = summary();
    if (key_) stored.bad.first.clear();  // they quote the files
    contents.summary = to_json(stored);
    result_.fingerprint = write_dataset(config_.data.dataset, contents, threads_);
    clock_.finish("sort and write");
  }

  std::vector<Attribute> attributes(const std::string& table, const AttributeFilesConfig& files,
                                    const IdFinder& ids) {
    if (files.source.empty()) return {};
    AttributeTable found = read_attribute_files(files, table, ids);
    summary().attributes.emplace_back(table, found);
    return std::move(found.attributes);
  }

  PrepareSummary& summary() { return result_.summary; }

  const Config& config_;
  std::uint32_t threads_;
  std::optional<IdKey> key_;  // of ids
  RawInteractions raw_;
  GroupedRows data_;
  Normalisation normalisation_;
  StepCounter counter_;
  PrepareResult result_;
  PhaseClock& clock_;
};

/// Reads the shares of this rank. @return [share], empty those of others
std::vector<Chunk> read_shares(const std::vector<RawFile>& files, const RowRules& rules,
                               const PrepareRanks& ranks) {
  std::vector<Chunk> chunks(ranks.size);
  run_on_threads(ranks.size, ranks.threads, [&](std::uint32_t share) {
    const std::uint32_t reader = !ranks.idle.empty() && ranks.idle[share] ? 0 : share;
    if (reader != ranks.rank) return;
    // The others will be joined to share 0.
    const std::uint64_t room = share == 0 ? total_bytes(files) : 0;
    chunks[share] = read_share(segments_of(files, share, ranks.size), rules, room);
  });
  return chunks;
}

/// Collective: brings to rank 0 what other ranks have read.
void gather_chunks(std::vector<Chunk>& chunks, const PrepareRanks& ranks) {
  const auto sends = [&](std::uint32_t rank) {
    return rank != 0 && (ranks.idle.empty() || !ranks.idle[rank]);
  };
  auto bytes =
      ranks.gather(sends(ranks.rank) ? to_bytes(chunks[ranks.rank]) : std::vector<std::byte>{});
  if (ranks.rank != 0) return;
  for (std::uint32_t rank = 1; rank < ranks.size; ++rank) {
    if (!sends(rank)) continue;
    chunks[rank] = chunk_from_bytes(std::exchange(bytes[rank], {}));
    check_received(chunks[rank]);
  }
}

}  // namespace

RowRules row_rules(const Config& config, const std::vector<RawFile>& files) {
  RowRules rules;
  rules.drop_without_user = config.clean.drop_without_user;
  rules.events = parse_event_weights(config.data.event_weights);
  if (config.clean.min_value) rules.min_value = static_cast<float>(*config.clean.min_value);
  if (config.clean.max_value) rules.max_value = static_cast<float>(*config.clean.max_value);
  if (!config.clean.strict)
    rules.max_bad_rows = static_cast<std::uint64_t>(config.clean.max_bad_rows);
  const auto without = std::find_if(files.begin(), files.end(),
                                    [](const RawFile& file) { return !file.layout.time; });
  const bool all_have_time = without == files.end();
  const char* step = step_that_needs_time(config);
  if (step != nullptr && !all_have_time) {
    throw DataError{fmt::format("{}: no time column (data.time), which {} needs; found {}",
                                without->path.string(), step, describe(without->layout))};
  }
  const Duplicates duplicates = duplicates_from(config.clean.duplicates);
  const bool by_time = duplicates == Duplicates::keep_last || duplicates == Duplicates::keep_first;
  rules.hold_time = all_have_time && (step != nullptr || by_time);
  return rules;
}

std::optional<PrepareResult> prepare(const Config& config, const PrepareRanks& ranks) {
  PhaseClock clock;
  std::optional<IdKey> key;
  if (!config.data.id_key_file.empty()) key = IdKey::read(config.data.id_key_file);
  std::vector<RawFile> files = find_raw_files(config);
  if (ranks.rank == 0) {
    check_attribute_files(config.attributes.users, "users");
    check_attribute_files(config.attributes.items, "items");
  }
  std::vector<Chunk> chunks = read_shares(files, row_rules(config, files), ranks);
  clock.finish("read");
  if (ranks.size > 1) gather_chunks(chunks, ranks);
  if (ranks.rank != 0) return std::nullopt;
  clock.finish("gather");
  PrepareResult result =
      Pipeline{config, std::move(files), ranks.threads, std::move(key), clock}.run(
          std::move(chunks));
  result.phases = clock.release();
  return result;
}

}  // namespace factorps
