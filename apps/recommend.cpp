#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include <fmt/core.h>

#include "apps/asked_users.hpp"
#include "apps/commands.hpp"
#include "apps/fold_in.hpp"
#include "apps/growing_file.hpp"
#include "apps/item_filter.hpp"
#include "apps/list_format.hpp"
#include "apps/moment_rows.hpp"
#include "apps/privacy.hpp"
#include "apps/recommender.hpp"
#include "apps/row_match.hpp"
#include "apps/seen_items.hpp"
#include "apps/text_output.hpp"
#include "apps/watchdog.hpp"
#include "comm/environment.hpp"
#include "common/hash.hpp"

namespace factorps::apps {
namespace {

/// Users per rank and round: long enough that rounds cost nothing, short enough for memory.
constexpr std::size_t kBatch = 16 * eval::kQueryBlock;

void check(const RecommendOptions& options, const comm::Environment& environment) {
  const int asked =
      (options.all ? 1 : 0) + (options.users.empty() ? 0 : 1) + (options.histories.empty() ? 0 : 1);
  if (asked != 1) throw ConfigError{"expected one of --users FILE, --history FILE and --all"};
  if (options.histories == "-" && environment.size() > 1) {
    throw ConfigError{"--history -: only one rank can read standard input, expected a file"};
  }
  if (options.resume && options.out.empty()) {
    throw ConfigError{"--resume: expected --out FILE, standard output cannot be continued"};
  }
  if (options.format == "hdf5" && options.out.empty()) {
    throw ConfigError{"--format hdf5: expected --out FILE"};
  }
}

std::string format_of(const RecommendOptions& options) {
  if (!options.format.empty()) return options.format;
  return options.output.json ? "jsonl" : "tsv";
}

/// A standard error that cannot be written to is no reason to stop.
void warn(const std::string& text) {
  std::fputs(fmt::format("factorps: {}\n", text).c_str(), stderr);
}

void warn_of_unknown(const AskedUsers& users, const ItemFilter& filter) {
  constexpr std::uint64_t kShown = 10;
  std::uint64_t unknown = 0;
  for (std::size_t n = 0; !users.everybody() && n < users.size(); ++n) {
    const Asked user = users.at(n);
    if (user.row || (user.own_history && !user.items.empty()) || ++unknown > kShown) continue;
    warn(fmt::format("user '{}' is not in the model: items ranked by popularity{}", user.id,
                     unknown == 1 ? users.hint() : ""));
  }
  if (unknown > kShown) {
    warn(fmt::format("{} more users are not in the model", unknown - kShown));
  }
  if (const auto items = users.unknown_items(); items > 0) {
    warn(fmt::format("{} interactions with items that are not in the model are ignored", items));
  }
  if (const auto items = filter.unknown_items(); items > 0) {
    warn(fmt::format("{} items of the lists of items are not in the model", items));
  }
}

/// What the lists depend on: a run goes on only with those of an equal one.
std::string identity_of(const RecommendOptions& options, const Model& model,
                        const AskedUsers& users, const ItemFilter& filter,
                        const std::string& data) {
  Sha256 hash;
  hash.update(model.info().provenance);  // with the fingerprint of the data, hence of all ids
  hash.update(fmt::format("{}\n{}\n{} {}\n{}\n{}\n{}\n{}\n", model.sha256(), format_of(options),
                          options.count, options.include_seen, filter.identity(),
                          options.fallback_by, data, users.everybody()));
  if (!options.time.empty()) hash.update(fmt::format("time {}\n", options.time));
  for (std::size_t n = 0; !users.everybody() && n < users.size(); ++n) {
    const Asked user = users.at(n);
    hash.update(fmt::format("{} {} ", user.id.size(), user.items.size()));
    hash.update(user.id);
    hash.update(std::as_bytes(std::span{user.items}));
    hash.update(std::as_bytes(std::span{user.values}));
  }
  return hash.finish();
}

std::string lines(const Recommender& recommender, const ListFormat& format, const AskedUsers& users,
                  std::size_t first, std::size_t end) {
  std::string text;
  std::vector<Asked> some;
  for (; first < end; first += some.size()) {
    some.clear();
    const std::size_t stop = std::min(end, first + eval::kQueryBlock);
    for (std::size_t n = first; n < stop; ++n) some.push_back(users.at(n));
    const auto lists = recommender.best(some);
    for (std::size_t n = 0; n < some.size(); ++n) text += format.bytes(some[n], lists[n]);
  }
  return text;
}

/// Receives the bytes of so many users.
using Write = std::function<void(std::string_view, std::size_t)>;

/// Batches go round: rank r takes every size()-th one; rank 0 writes them in order. Collective.
void write_all(const Recommender& recommender, const ListFormat& format, const AskedUsers& users,
               std::size_t first, const Write& write, const comm::Environment& environment) {
  const auto ranks = static_cast<std::size_t>(environment.size());
  const auto place = [&](std::size_t rank) {
    return std::min(first + rank * kBatch, users.size());
  };
  for (; first < users.size(); first = place(ranks)) {
    const auto mine = static_cast<std::size_t>(environment.rank());
    const std::string text = lines(recommender, format, users, place(mine), place(mine + 1));
    std::size_t rank = 0;
    for (const auto& part : environment.gather(std::as_bytes(std::span{text}))) {
      write({reinterpret_cast<const char*>(part.data()), part.size()},
            place(rank + 1) - place(rank));
      ++rank;
    }
  }
}

AskedUsers asked_users(const RecommendOptions& options, const Config& config, const Model& model,
                       const ModelFoldIn* fold) {
  if (options.all) return AskedUsers{model};
  if (fold == nullptr) return AskedUsers::of_file(options.users, model);
  return AskedUsers::of_histories(options.histories, config.data, model, fold->needs_values(),
                                  fold->sums_values());
}

bool needs_attributes(const RecommendOptions& options) {
  return !options.filter.where.empty() || !options.filter.quotas.empty() ||
         !options.fallback_by.empty();
}

/// Collective: what rank 0 says.
std::uint64_t agree(std::uint64_t number, const comm::Environment& environment) {
  const auto* begin = reinterpret_cast<const std::byte*>(&number);
  std::vector<std::byte> bytes(begin, begin + sizeof number);
  environment.broadcast(bytes);
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

bool cannot_be_continued(const std::filesystem::path& path) {
  return path.empty() || (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path));
}

/// Everything that lists are made of.
class Recommendations {
 public:
  Recommendations(const RecommendOptions& options, const Config& config)
      : options_{options},
        model_{open_model(options, config)},
        data_{needs_attributes(options) && options.dataset.empty() ? config.data.dataset
                                                                   : options.dataset},
        source_{needs_attributes(options) ? std::make_optional<AttributeSource>(model_, data_)
                                          : std::nullopt},
        fold_{options.histories.empty() ? std::nullopt : std::make_optional<ModelFoldIn>(model_)},
        seen_{options.include_seen || fold_
                  ? std::nullopt
                  : std::make_optional<SeenItems>(model_, options.dataset)},
        users_{asked_users(options, config, model_, fold_ ? &*fold_ : nullptr)},
        filter_{options.filter, model_, attributes()},
        popularity_{model_, filter_, options.fallback_by, attributes()},
        format_{list_format(format_of(options), model_, static_cast<std::size_t>(options.count))},
        moment_{asked_moment(model_, options.time)},
        recommender_{model_,
                     seen_ ? &*seen_ : nullptr,
                     fold_ ? &*fold_ : nullptr,
                     options.include_seen,
                     filter_,
                     popularity_,
                     static_cast<std::size_t>(options.count),
                     moment_} {}

  void warn() const {
    warn_of_unknown(users_, filter_);
    if (moment_ && options_.time.empty()) {
      apps::warn(
          fmt::format("lists are for the latest moment of the training, {} (--time: another)",
                      describe_moment(model_, *moment_)));
    }
  }

  /// Collective. To a pipe, a device or standard output.
  void stream(const comm::Environment& environment) const {
    std::optional<TextOutput> out;
    if (environment.rank() == 0) {
      out.emplace(options_.out, options_.users);
      out->write(format_->head());
    }
    write_all(
        recommender_, *format_, users_, 0,
        [&](std::string_view bytes, std::size_t) { out->write(bytes); }, environment);
    if (out) out->commit();
  }

  /// Collective.
  void write_file(const comm::Environment& environment) const {
    std::optional<GrowingFile> out;
    if (environment.rank() == 0) {
      refuse_to_replace(options_.out, options_.users, format_->file_format());
      out.emplace(options_.out, identity_of(options_, model_, users_, filter_, data_.string()),
                  options_.resume);
      if (out->done() == 0) out->append(format_->head(), 0);
    }
    const std::uint64_t done = agree(out ? out->done() : 0, environment);
    write_all(
        recommender_, *format_, users_, done,
        [&](std::string_view bytes, std::size_t n) { out->append(bytes, n); }, environment);
    if (!out) return;
    out->commit(
        [&](const auto& bytes, const auto& file) { return format_->convert(bytes, file, users_); });
  }

 private:
  [[nodiscard]] const AttributeSource* attributes() const { return source_ ? &*source_ : nullptr; }

  const RecommendOptions& options_;
  Model model_;
  std::filesystem::path data_;
  std::optional<AttributeSource> source_;
  std::optional<ModelFoldIn> fold_;
  std::optional<SeenItems> seen_;
  AskedUsers users_;
  ItemFilter filter_;
  Popularity popularity_;
  std::unique_ptr<ListFormat> format_;
  std::optional<std::int64_t> moment_;
  Recommender recommender_;
};

}  // namespace

ExitCode run_recommend(const RecommendOptions& options, comm::Environment& environment) {
  check(options, environment);
  const Config config = load_config(options.config, options.assignments);
  keep_private(config);
  std::optional<Watchdog> watchdog;
  if (environment.size() > 1) watchdog.emplace(environment, config.cluster);
  const Recommendations recommendations{options, config};
  if (environment.rank() == 0 && !options.output.quiet) recommendations.warn();
  if (cannot_be_continued(options.out)) {
    recommendations.stream(environment);
  } else {
    recommendations.write_file(environment);
  }
  environment.barrier();  // watched
  return ExitCode::done;
}

}  // namespace factorps::apps
