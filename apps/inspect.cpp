#include <algorithm>
#include <array>
#include <iostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/commands.hpp"
#include "apps/personal_data.hpp"
#include "apps/usable_checkpoints.hpp"
#include "comm/environment.hpp"
#include "io/checkpoint.hpp"
#include "io/dataset.hpp"
#include "io/dataset_check.hpp"
#include "io/files.hpp"
#include "io/json_text.hpp"
#include "io/model_file.hpp"
#include "scheduler/plan_record.hpp"
#include "scheduler/run_directory.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

/// JSON text from a file; the text itself if it is not JSON.
Json parsed(const std::string& text) {
  Json json = parse_ordered_json(text);
  return json.is_discarded() ? Json(text) : json;
}

/// @param of gives the attribute of a name
template <class Of>
Json attributes_json(const std::vector<std::string>& names, Of of) {
  Json json = Json::object();
  for (const std::string& name : names) {
    const Attribute attribute = *of(name);
    json[name]["kind"] = kind_name(attribute.kind);
    if (attribute.kind != AttributeKind::number) json[name]["values"] = attribute.values.size();
    json[name]["rows_with_value"] = attribute.known_rows();
  }
  return json;
}

/// None, if there are none.
void add_attributes(const Dataset& dataset, Json& json) {
  const auto items = dataset.item_attribute_names();
  const auto users = dataset.user_attribute_names();
  if (!items.empty())
    json["item_attributes"] =
        attributes_json(items, [&](const auto& name) { return dataset.item_attribute(name); });
  if (!users.empty())
    json["user_attributes"] =
        attributes_json(users, [&](const auto& name) { return dataset.user_attribute(name); });
}

/// Reads all of it.
Json inspect_dataset(const std::filesystem::path& path) {
  const Dataset dataset{path};
  const Grid& grid = dataset.grid();
  verify_all(dataset);
  const IdTable users = dataset.user_ids();
  const IdTable items = dataset.item_ids();
  Json json{{"kind", "dataset"},
            {"version", kDatasetVersion},
            {"bytes", std::filesystem::file_size(path)},
            {"fingerprint", dataset.fingerprint()},
            {"users", grid.users()},
            {"items", grid.items()},
            {"user_ids", users.integers() ? "integers" : "strings"},
            {"item_ids", items.integers() ? "integers" : "strings"},
            {"strips", grid.strips()},
            {"blocks", grid.blocks()}};
  for (const Part part : kParts) {
    if (dataset.has(part)) json["interactions"][part_name(part)] = dataset.interactions(part);
  }
  json["values"] = {{"min", dataset.value_min()}, {"max", dataset.value_max()}};
  json["train_mean"] = dataset.train_mean();
  json["times"] = dataset.has_times();
  add_attributes(dataset, json);
  json["personal_data"] = personal_data(dataset);
  json["prepare"] = parsed(dataset.summary());
  json["verified"] = fmt::format(
      "checksums of all {} cells, of attributes and times, training counts and mean, and the "
      "fingerprint "
      "over ids, "
      "grid, normalisation, value range and cells",
      grid.cells());
  return json;
}

/// How many features each attribute gives.
Json features_json(const std::vector<AttributeFeature>& features) {
  Json json = Json::object();
  for (const AttributeFeature& feature : features) json[feature.name] = feature.size();
  return json;
}

Json inspect_model(const std::filesystem::path& path) {
  const Model model{path};
  model.verify();
  const ModelInfo& info = model.info();
  const bool has_seen = info.users > 0 && model.seen(0).has_value();
  Json json{{"kind", "model"},
            {"version", info.version()},
            {"bytes", std::filesystem::file_size(path)},
            {"sha256", model.sha256()},
            {"model", info.kind},
            {"users", info.users},
            {"items", info.items},
            {"dim", info.dim},
            {"mu", info.mu},
            {"values", {{"min", info.value_min}, {"max", info.value_max}}},
            {"user_ids", model.user_ids().integers() ? "integers" : "strings"},
            {"item_ids", model.item_ids().integers() ? "integers" : "strings"},
            {"seen_items", has_seen},
            {"personal_data", personal_data(model)},
            {"provenance", parsed(info.provenance)},
            {"verified", "SHA-256 and the checksums of all datasets"}};
  if (info.layers) {
    json["layers"] = {{"products", info.layers->products},
                      {"tower", info.layers->tower},
                      {"parameters", info.layers->dense.size()}};
  }
  if (info.features) {
    json["features"] = {{"users", features_json(info.features->users)},
                        {"items", features_json(info.features->items)}};
  }
  return json;
}

Json inspect_checkpoint(const std::filesystem::path& path) {
  const CheckpointManifest manifest = verify_checkpoint(path);
  std::uint64_t bytes = 0;
  for (const CheckpointFile& file : manifest.files) bytes += file.bytes;
  return {{"kind", "checkpoint"},
          {"version", manifest.version},
          {"epochs_done", manifest.epoch},
          {"files", manifest.files.size()},
          {"bytes", bytes},
          {"dataset", manifest.dataset},
          {"instruction_set", manifest.instruction_set},
          {"personal_data", {{"user_ids", "none"}, {"rows", "factors of every user"}}},
          {"verified", "sizes and checksums of all files"}};
}

/// Points from a part of a checkpoint or run to the whole.
void refuse_parts(const std::filesystem::path& path) {
  const auto whole = std::filesystem::absolute(path).parent_path();
  const bool of_checkpoint = std::filesystem::exists(whole / "manifest.json");
  const std::string name = path.filename().string();
  const bool of_run = std::filesystem::exists(whole / "config.toml") &&
                      (name == "checkpoints" || std::ranges::count(scheduler::kRunFiles, name) > 0);
  if (!of_checkpoint && !of_run) return;
  throw DataError{fmt::format("{}: is a part of a {}, expected its directory: factorps inspect {}",
                              path.string(), of_checkpoint ? "checkpoint" : "run", whole.string())};
}

Json inspect_file(const std::filesystem::path& path) {
  const h5::File file = h5::File::open(path);
  const std::string format = file.has("/", "format") ? file.text("/", "format") : "";
  if (format == "factorps-dataset") return inspect_dataset(path);
  if (format == "factorps-model") return inspect_model(path);
  throw DataError{fmt::format(
      "{}: attribute 'format' of / is '{}', expected factorps-dataset or factorps-model",
      path.string(), format)};
}

/// A part of a run: damage is reported, and the other parts are still looked at.
Json inspect_part(const std::filesystem::path& path, ExitCode& worst) {
  try {
    return std::filesystem::is_directory(path) ? inspect_checkpoint(path) : inspect_file(path);
  } catch (const Error& error) {
    if (worst == ExitCode::done) worst = error.exit_code();
    return {{"damaged", error.what()}};
  }
}

/// What the plan of a run foretold and what came; null for runs without one and before the first
/// epoch has ended.
Json prediction_of(const std::filesystem::path& run, ExitCode& worst) {
  if (!std::filesystem::exists(run / "plan.json")) return {};
  const auto metrics = run / "metrics.jsonl";
  if (!std::filesystem::exists(metrics) || std::filesystem::file_size(metrics) == 0) return {};
  try {
    const Json plan = parse_ordered_json(read_file(run / "plan.json"));
    return scheduler::plan_check(plan, scheduler::read_run(run));
  } catch (const Error& error) {
    if (worst == ExitCode::done) worst = error.exit_code();
    return {{"damaged", error.what()}};
  }
}

Json inspect_run(const std::filesystem::path& path, ExitCode& worst) {
  Json json{{"kind", "run"}};
  if (const auto summary = path / "summary.json"; std::filesystem::exists(summary)) {
    json["summary"] = parsed(read_file(summary));
  }
  if (Json prediction = prediction_of(path, worst); !prediction.is_null()) {
    json["prediction"] = std::move(prediction);
  }
  if (std::filesystem::exists(path / "model.h5")) {
    json["model"] = inspect_part(path / "model.h5", worst);
  }
  for (const auto& checkpoint : CheckpointStore{path / "checkpoints"}.list()) {
    json["checkpoints"][checkpoint.filename().string()] = inspect_part(checkpoint, worst);
  }
  return json;
}

Json inspect(const std::filesystem::path& path, bool verify, ExitCode& worst) {
  if (!std::filesystem::exists(path)) throw DataError{path.string() + ": no such file"};
  refuse_parts(path);
  const bool has_checkpoints = std::filesystem::exists(path / "manifest.json") ||
                               std::filesystem::exists(path / "config.toml");
  if (verify && has_checkpoints) return usable_checkpoints(path, worst);
  if (!std::filesystem::is_directory(path)) return inspect_file(path);
  if (std::filesystem::exists(path / "manifest.json")) return inspect_checkpoint(path);
  if (std::filesystem::exists(path / "config.toml")) return inspect_run(path, worst);
  throw DataError{path.string() +
                  ": expected a dataset, a model, a checkpoint (with manifest.json) or a run (with "
                  "config.toml)"};
}

void print_text(const Json& json, std::size_t indent) {
  for (const auto& [key, value] : json.items()) {
    std::cout << fmt::format("{:{}}{:<{}}", "", indent, key, indent < 20 ? 20 - indent : 0);
    if (value.is_object() && !value.empty()) {
      std::cout << '\n';
      print_text(value, indent + 2);
    } else {
      std::cout << ' ' << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
    }
  }
}

}  // namespace

ExitCode run_inspect(const InspectOptions& options, comm::Environment& environment) {
  if (environment.rank() != 0) return ExitCode::done;
  ExitCode worst = ExitCode::done;
  const Json json = inspect(options.file, options.verify, worst);
  if (options.output.json) {
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    print_text(json, 0);
  }
  return worst;
}

}  // namespace factorps::apps
