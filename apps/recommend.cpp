#include <algorithm>
#include <cstdio>
#include <fstream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/row_match.hpp"
#include "apps/seen_items.hpp"
#include "apps/text_output.hpp"
#include "comm/environment.hpp"
#include "eval/topk.hpp"

namespace factorps::apps {
namespace {

/// Users per rank and round: long enough that rounds cost nothing, short enough for memory.
constexpr std::size_t kBatch = 16 * eval::kQueryBlock;

/// Who gets recommendations, in order of output.
struct Asked {
  std::string id;
  std::optional<std::uint64_t> row;  ///< nothing: not in the model
};

/// Lines are written as in the output, so that its first column can be asked for again.
std::vector<Asked> read_users(const std::filesystem::path& path, const IdTable& ids) {
  if (std::filesystem::is_directory(path)) {
    throw DataError{
        fmt::format("{}: is a directory, expected a file with a user per line", path.string())};
  }
  std::ifstream in{path};
  if (!in) throw DataError{fmt::format("{}: cannot read the file of users", path.string())};
  std::vector<Asked> users;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto id = from_tsv_field(line);
    if (!id) {
      throw DataError{fmt::format(
          "{}:{}: user '{}', expected \\t, \\n, \\r or \\\\ (which stands for \\) at each \\",
          path.string(), number, line)};
    }
    users.push_back({*id, ids.find(*id)});
  }
  if (in.bad()) throw DataError{fmt::format("{}: cannot read all of it", path.string())};
  return users;
}

std::vector<Asked> all_users(const IdTable& ids) {
  std::vector<Asked> users(ids.size());
  for (std::uint64_t row = 0; row < ids.size(); ++row) users[row] = {ids.text(row), row};
  return users;
}

/// Users without a row or without training data have no factors: only biases rank their items.
bool has_factors(const Model& model, const Asked& user) {
  return user.row && model.user_counts()[*user.row] > 0;
}

/// A standard error that cannot be written to is no reason to stop.
void warn(const std::string& text) {
  std::fputs(fmt::format("factorps: {}\n", text).c_str(), stderr);
}

void warn_of_unknown(const std::vector<Asked>& users) {
  constexpr std::ptrdiff_t kShown = 10;
  std::ptrdiff_t unknown = 0;
  for (const Asked& user : users) {
    if (user.row || ++unknown > kShown) continue;
    warn(fmt::format("user '{}' is not in the model: items ranked by bias", user.id));
  }
  if (unknown > kShown) {
    warn(fmt::format("{} more users are not in the model", unknown - kShown));
  }
}

/// Turns users into lines of text.
class Recommender {
 public:
  Recommender(const Model& model, const SeenItems* seen, const RecommendOptions& options)
      : model_{&model}, seen_{seen}, options_{&options}, item_ids_{model.item_ids()} {
    items_ = {model.info().dim, model.item_factors(), model.item_bias(), {}, {}};
    const Normalisation& normalisation = model.info().normalisation;
    if (normalisation.by == NormaliseBy::item) {
      items_.scale = normalisation.scale;
      items_.offset = normalisation.offset;
    }
  }

  [[nodiscard]] std::string lines(std::span<const Asked> users) const {
    std::string text;
    for (std::size_t first = 0; first < users.size(); first += eval::kQueryBlock) {
      const auto some = users.subspan(first, std::min(eval::kQueryBlock, users.size() - first));
      const auto lists = best(some);
      for (std::size_t n = 0; n < some.size(); ++n) text += format(some[n], lists[n]);
    }
    return text;
  }

 private:
  [[nodiscard]] std::vector<std::vector<eval::ScoredItem>> best(
      std::span<const Asked> users) const {
    std::vector<eval::Query> queries;
    for (const Asked& user : users) {
      eval::Query query{{}, static_cast<float>(model_->info().mu), {}};
      if (user.row) {
        query.factors = model_->user(*user.row);
        query.base += model_->user_bias()[*user.row];
        if (seen_ != nullptr) query.excluded = seen_->of(*user.row);
      }
      queries.push_back(query);
    }
    return eval::top_k(items_, queries, static_cast<std::size_t>(options_->count));
  }

  /// Scores by item are in original units already.
  [[nodiscard]] float original(const Asked& user, float score) const {
    return items_.scale.empty() ? model_->invert(user.row, std::nullopt, score) : score;
  }

  [[nodiscard]] std::string format(const Asked& user,
                                   const std::vector<eval::ScoredItem>& list) const {
    const char* basis = has_factors(*model_, user) ? "factors" : "bias";
    return options_->output.json ? json_line(user, list, basis) : tsv_lines(user, list, basis);
  }

  [[nodiscard]] std::string tsv_lines(const Asked& user, const std::vector<eval::ScoredItem>& list,
                                      const char* basis) const {
    std::string text;
    for (std::size_t n = 0; n < list.size(); ++n) {
      text += fmt::format("{}\t{}\t{}\t{:.6g}\t{}\n", tsv_field(user.id), n + 1,
                          tsv_field(item_ids_.text(list[n].item)), original(user, list[n].score),
                          basis);
    }
    return text;
  }

  [[nodiscard]] std::string json_line(const Asked& user, const std::vector<eval::ScoredItem>& list,
                                      const char* basis) const {
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    for (const auto& [item, score] : list) {
      items.push_back({{"item", item_ids_.text(item)}, {"score", original(user, score)}});
    }
    const nlohmann::ordered_json line{{"user", user.id},
                                      {"known", user.row.has_value()},
                                      {"basis", basis},
                                      {"items", std::move(items)}};
    using Json = nlohmann::ordered_json;
    return line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  }

  const Model* model_;
  const SeenItems* seen_;  // none: nothing is left out
  const RecommendOptions* options_;
  IdTable item_ids_;
  eval::ItemTable items_;
};

/// Batches go round: rank r takes every size()-th one; rank 0 writes them in order. Collective.
void write_all(const Recommender& recommender, std::span<const Asked> users, TextOutput* out,
               const comm::Environment& environment) {
  const auto ranks = static_cast<std::size_t>(environment.size());
  for (std::size_t round = 0; round * ranks * kBatch < users.size(); ++round) {
    const std::size_t batch = round * ranks + static_cast<std::size_t>(environment.rank());
    const std::size_t first = std::min(batch * kBatch, users.size());
    const auto mine = users.subspan(first, std::min(kBatch, users.size() - first));
    const std::string text = recommender.lines(mine);
    for (const auto& part : environment.gather(std::as_bytes(std::span{text}))) {
      out->write({reinterpret_cast<const char*>(part.data()), part.size()});
    }
  }
}

}  // namespace

ExitCode run_recommend(const RecommendOptions& options, comm::Environment& environment) {
  if (options.all == !options.users.empty()) throw ConfigError{"expected --users FILE or --all"};
  const Model model = open_model(options, load_config(options.config, options.assignments));
  std::optional<SeenItems> seen;
  if (!options.include_seen) seen.emplace(model, options.dataset);
  const auto users =
      options.all ? all_users(model.user_ids()) : read_users(options.users, model.user_ids());
  const Recommender recommender{model, seen ? &*seen : nullptr, options};
  if (environment.rank() != 0) {
    write_all(recommender, users, nullptr, environment);
    return ExitCode::done;
  }
  if (!options.output.quiet) warn_of_unknown(users);
  TextOutput out{options.out, options.users};
  if (!options.output.json) out.write("user\tposition\titem\tscore\tbasis\n");
  write_all(recommender, users, &out, environment);
  out.commit();
  return ExitCode::done;
}

}  // namespace factorps::apps
