#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/row_match.hpp"
#include "apps/text_output.hpp"
#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/prepare/row_reader.hpp"

namespace factorps::apps {
namespace {

/// An external id of the pairs file and its row in the model.
struct Named {
  std::string id;
  std::optional<std::uint64_t> row;
};

/// Ids by the numbers that a RowReader gave them.
class Names {
 public:
  Names(const CollectedIds& ids, const IdTable& table) {
    for (const std::int64_t id : ids.integers)
      integers_.push_back(named(fmt::format("{}", id), table));
    for (std::size_t n = 0; n < ids.texts(); ++n) {
      texts_.push_back(named(std::string{ids.text(n)}, table));
    }
  }
  [[nodiscard]] const Named& at(std::uint32_t number) const {
    const std::uint32_t n = number & ~CollectedIds::kTextBit;
    return n == number ? integers_.at(n) : texts_.at(n);
  }

 private:
  static Named named(std::string id, const IdTable& table) {
    const auto row = table.find(id);
    return {std::move(id), row};
  }
  std::vector<Named> integers_;
  std::vector<Named> texts_;
};

/// Users and items of all rows, in the order of the file; further columns are not looked at.
Chunk read_pairs(const std::filesystem::path& path, DataConfig config) {
  config.value.clear();
  config.time.clear();
  RowReader reader{RowRules{}};
  reader.read({path, detect_layout(path, config), 0, std::numeric_limits<std::uint64_t>::max()});
  Chunk chunk = reader.release();
  if (chunk.bad.count > 0) throw DataError{chunk.bad.first.front()};
  if (!chunk.failure.empty()) throw DataError{chunk.failure};
  return chunk;
}

/// What the prediction rests on.
const char* known(const Named& user, const Named& item) {
  if (user.row) return item.row ? "both" : "user";
  return item.row ? "item" : "none";
}

std::string json_line(const Named& user, const Named& item, float value) {
  using Json = nlohmann::ordered_json;
  const Json line{
      {"user", user.id}, {"item", item.id}, {"prediction", value}, {"known", known(user, item)}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string tsv_line(const Named& user, const Named& item, float value) {
  return fmt::format("{}\t{}\t{:.6g}\t{}\n", tsv_field(user.id), tsv_field(item.id), value,
                     known(user, item));
}

}  // namespace

ExitCode run_predict(const PredictOptions& given, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  PredictOptions options = given;
  if (options.pairs.empty() && !options.config.empty()) std::swap(options.model, options.pairs);
  if (options.pairs.empty()) throw ConfigError{"expected PAIRS, a file with users and items"};
  const Config config = load_config(options.config, options.assignments);
  const Model model = open_model(options, config);
  const Chunk chunk = read_pairs(options.pairs, config.data);
  const Names users{chunk.users, model.user_ids()};
  const Names items{chunk.items, model.item_ids()};
  TextOutput out{options.out, options.pairs};
  if (!options.output.json) out.write("user\titem\tprediction\tknown\n");
  for (std::size_t n = 0; n < chunk.rows.size(); ++n) {
    const Named& user = users.at(chunk.rows.users[n]);
    const Named& item = items.at(chunk.rows.items[n]);
    const float value = model.predict(user.row, item.row, config.evaluate.clip);
    out.write(options.output.json ? json_line(user, item, value) : tsv_line(user, item, value));
  }
  out.commit();
  return ExitCode::done;
}

}  // namespace factorps::apps
