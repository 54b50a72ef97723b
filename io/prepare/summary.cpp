#include "io/prepare/summary.hpp"

#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace factorps {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Extent& extent) {
  return {{"interactions", extent.rows}, {"users", extent.users}, {"items", extent.items}};
}

Json to_json(const LeakReport& leaks) {
  Json json{{"test_pairs_in_train", leaks.pairs_in_train},
            {"test_users_unknown", leaks.unknown_users},
            {"test_items_unknown", leaks.unknown_items},
            {"test_rows_of_unknown_users", leaks.unknown_user_rows},
            {"test_rows_of_unknown_items", leaks.unknown_item_rows}};
  if (leaks.train_rows_after) {
    json["test_from"] = *leaks.test_from;
    json["train_rows_from_then_on"] = *leaks.train_rows_after;
  }
  return json;
}

std::string leaks_text(const LeakReport& leaks) {
  std::string text = fmt::format(
      "  {:<22}{} test pairs also in train; unknown to train: {} test users ({} rows), {} test "
      "items ({} rows)\n",
      "leaks", leaks.pairs_in_train, leaks.unknown_users, leaks.unknown_user_rows,
      leaks.unknown_items, leaks.unknown_item_rows);
  if (leaks.train_rows_after) {
    text += fmt::format("  {:<22}{} training rows are not earlier than the test rows (from {})\n",
                        "", *leaks.train_rows_after, *leaks.test_from);
  }
  return text;
}

Json to_json(const AttributeSummary& summary) {
  const AttributeCounts& counts = summary.counts;
  Json json{{"lines", counts.lines},
            {"lines_of_unknown_ids", counts.strangers},
            {"repeated_lines", counts.repeated},
            {"rows_without_line", counts.rows_without}};
  for (const auto& [name, kind, values, known] : summary.columns) {
    json["attributes"][name] = {{"kind", kind_name(kind)}, {"known", known}};
    if (kind != AttributeKind::number) json["attributes"][name]["values"] = values;
  }
  return json;
}

Json with_attributes(Json json, const std::vector<AttributeSummary>& attributes) {
  for (const AttributeSummary& some : attributes) json["attributes"][some.table] = to_json(some);
  return json;
}

std::string attributes_text(const AttributeSummary& summary) {
  const AttributeCounts& counts = summary.counts;
  std::string text = fmt::format(
      "  {:<22}{} lines, {} of unknown ids left out, {} repeated; {} of {} {} have none\n",
      summary.table + " attributes", counts.lines, counts.strangers, counts.repeated,
      counts.rows_without, counts.rows, summary.table);
  for (const auto& [name, kind, values, known] : summary.columns) {
    text += fmt::format("    {:<20}{}{}, known of {} {}\n", name, kind_name(kind),
                        kind == AttributeKind::number ? "" : fmt::format(", {} values", values),
                        known, summary.table);
  }
  return text;
}

}  // namespace

AttributeSummary::AttributeSummary(std::string of, const AttributeTable& found)
    : table{std::move(of)}, counts{found.counts} {
  for (const Attribute& one : found.attributes)
    columns.push_back({one.name, one.kind, one.values.size(), one.known_rows()});
}

std::string to_json(const PrepareSummary& summary) {
  Json files = Json::array();
  for (const RawFile& file : summary.files) {
    files.push_back({{"path", file.path.string()},
                     {"bytes", file.bytes},
                     {"layout", describe(file.layout)},
                     {"test", file.test}});
  }
  Json steps = Json::array();
  for (const CleaningStep& step : summary.steps) {
    steps.push_back(
        {{"step", step.name}, {"before", to_json(step.before)}, {"after", to_json(step.after)}});
  }
  Json json{{"files", files},
            {"lines", summary.lines},
            {"bad_rows", {{"count", summary.bad.count}, {"first", summary.bad.first}}},
            {"steps", steps},
            {"split", summary.split},
            {"seed", summary.seed},
            {"train", summary.train},
            {"validation", summary.validation},
            {"test", summary.test},
            {"users", summary.all.users},
            {"items", summary.all.items},
            {"value_min", summary.value_min},
            {"value_max", summary.value_max},
            {"normalise", summary.normalise},
            {"leaks", to_json(summary.leaks)},
            {"strips", summary.strips},
            {"blocks", summary.blocks}};
  if (summary.skipped.weight_0 > 0) json["skipped"]["weight_0"] = summary.skipped.weight_0;
  if (summary.skipped.no_user > 0) json["skipped"]["no_user"] = summary.skipped.no_user;
  if (summary.fold_in > 0) json["fold_in"] = summary.fold_in;
  // Paths and messages may hold any bytes.
  return with_attributes(json, summary.attributes)
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const PrepareSummary& summary) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (const RawFile& file : summary.files) {
    fmt::format_to(out, "{} ({}, {} bytes)\n  {}\n", file.path.string(),
                   file.test ? "test" : "source", file.bytes, describe(file.layout));
  }
  fmt::format_to(out, "  {:<22}{} lines, {} bad rows left out\n", "read", summary.lines,
                 summary.bad.count);
  for (const std::string& message : summary.bad.first) fmt::format_to(out, "    {}\n", message);
  if (summary.skipped.weight_0 > 0) {
    fmt::format_to(out, "  {:<22}{} rows of events of weight 0 left out\n", "",
                   summary.skipped.weight_0);
  }
  if (summary.skipped.no_user > 0) {
    fmt::format_to(out, "  {:<22}{} rows without a user left out\n", "", summary.skipped.no_user);
  }
  for (const auto& [name, before, after] : summary.steps) {
    fmt::format_to(out, "  {:<22}{} -> {} interactions, {} -> {} users, {} -> {} items\n", name,
                   before.rows, after.rows, before.users, after.users, before.items, after.items);
  }
  fmt::format_to(out, "  {:<22}{}, seed {}: {} train, {} validation, {} test{}\n", "split",
                 summary.split, summary.seed, summary.train, summary.validation, summary.test,
                 summary.fold_in > 0 ? fmt::format(", {} fold-in", summary.fold_in) : "");
  text += leaks_text(summary.leaks);
  fmt::format_to(out, "  {:<22}{} to {}, normalisation {}\n", "values", summary.value_min,
                 summary.value_max, summary.normalise);
  for (const AttributeSummary& some : summary.attributes) text += attributes_text(some);
  fmt::format_to(out, "  {:<22}{} users x {} items in {} strips x {} blocks\n", "grid",
                 summary.all.users, summary.all.items, summary.strips, summary.blocks);
  return text;
}

}  // namespace factorps
