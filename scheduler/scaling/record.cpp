#include "scheduler/scaling/record.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/files.hpp"
#include "io/json_text.hpp"
#include "scheduler/report/run_record.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

void add_epoch(ScalingRecord& record, const EpochRecord& epoch) {
  record.epoch_seconds.push_back(epoch.train_seconds);
  record.time.evaluate += epoch.evaluate_seconds;
  record.time.checkpoint += epoch.checkpoint_seconds;
  record.block_bytes = epoch.train_block_bytes;
  for (const comm::WorkerDone& worker : epoch.workers) {
    record.time.compute += worker.compute_seconds;
    record.time.wait_turn += worker.wait_turn_seconds;
    record.time.wait_block += worker.wait_block_seconds;
    record.cpu_seconds += worker.cpu_seconds;
  }
}

void add_summary(ScalingRecord& record, const json& summary) {
  record.workers = natural_at<int>(summary, "workers");
  record.nodes = natural_at<int>(summary, "nodes");
  record.hosts = summary.at("hosts").get<std::vector<std::string>>();
  record.model_sha256 = summary.at("model_sha256").get<std::string>();
  record.instruction_set = summary.at("instruction_set").get<std::string>();
  record.started = summary.at("started").get<std::string>();
  const json& dataset = summary.at("dataset");
  record.fingerprint = dataset.at("fingerprint").get<std::string>();
  record.interactions = natural_at<std::uint64_t>(dataset, "train");
  record.strips = natural_at<std::uint32_t>(dataset, "strips");
  record.blocks = natural_at<std::uint32_t>(dataset, "blocks");
}

ScalingRun run_of(const json& object) {
  ScalingRun run;
  run.layout = parse_scaling_layout(object.at("layout").get<std::string>()).value();
  run.dim = natural_at<std::int64_t>(object, "dim");
  if (const json& grid = object.at("grid_asked"); !grid.is_null()) {
    run.grid = parse_grid_size(grid.get<std::string>()).value();
  }
  run.repetition = natural_at<std::int64_t>(object, "repetition");
  return run;
}

ScalingRecord record_of(const json& object) {
  ScalingRecord record;
  record.run = run_of(object);
  record.facts = {natural_at<int>(object, "cores"), object.at("load_average").get<double>()};
  record.strips = natural_at<std::uint32_t>(object.at("grid"), "strips");
  record.blocks = natural_at<std::uint32_t>(object.at("grid"), "blocks");
  record.workers = natural_at<int>(object, "workers");
  record.nodes = natural_at<int>(object, "nodes");
  record.hosts = object.at("hosts").get<std::vector<std::string>>();
  record.interactions = natural_at<std::uint64_t>(object, "interactions");
  record.epoch_seconds = object.at("epoch_seconds").get<std::vector<double>>();
  const json& seconds = object.at("seconds");
  record.time = {seconds.at("compute").get<double>(), seconds.at("wait_turn").get<double>(),
                 seconds.at("wait_block").get<double>(), seconds.at("evaluate").get<double>(),
                 seconds.at("checkpoint").get<double>()};
  record.cpu_seconds = object.at("cpu_seconds").get<double>();
  record.block_bytes = object.at("block_bytes").get<double>();
  record.model_sha256 = object.at("model_sha256").get<std::string>();
  record.fingerprint = object.at("fingerprint").get<std::string>();
  record.wire = object.at("wire").get<std::string>();
  record.instruction_set = object.at("instruction_set").get<std::string>();
  record.started = object.at("started").get<std::string>();
  record.identity = object.at("identity").get<std::string>();
  return record;
}

}  // namespace

bool ScalingRecord::oversubscribed() const noexcept {
  return workers > facts.cores * static_cast<int>(hosts.size());
}

bool ScalingRecord::pretended() const noexcept { return nodes > static_cast<int>(hosts.size()); }

ScalingRecord record_of_training(const std::filesystem::path& directory, const ScalingRun& run,
                                 const RunFacts& facts, const Config& config) {
  const RunRecord training = read_run(directory);
  if (training.summary.empty()) {
    throw DataError{directory.string() + ": holds no summary.json, expected a finished training"};
  }
  ScalingRecord record;
  record.run = run;
  record.facts = facts;
  record.wire = config.cluster.wire;
  record.identity = scaling_identity(config, run);
  for (const EpochRecord& epoch : training.epochs) add_epoch(record, epoch);
  add_summary(record, json::parse(training.summary));
  return record;
}

json to_json(const TimeSplit& time) {
  return {{"compute", time.compute},
          {"wait_turn", time.wait_turn},
          {"wait_block", time.wait_block},
          {"evaluate", time.evaluate},
          {"checkpoint", time.checkpoint}};
}

json to_json(const ScalingRecord& r) {
  const GridSize& asked = r.run.grid;
  return {{"id", r.run.id()},
          {"layout", r.run.layout.name()},
          {"dim", r.run.dim},
          {"grid_asked",
           asked == GridSize{} ? json() : json(fmt::format("{}x{}", asked.strips, asked.blocks))},
          {"grid", {{"strips", r.strips}, {"blocks", r.blocks}}},
          {"repetition", r.run.repetition},
          {"ranks", r.run.layout.ranks()},
          {"workers", r.workers},
          {"nodes", r.nodes},
          {"hosts", r.hosts},
          {"cores", r.facts.cores},
          {"load_average", r.facts.load_average},
          {"oversubscribed", r.oversubscribed()},
          {"interactions", r.interactions},
          {"epoch_seconds", r.epoch_seconds},
          {"seconds", to_json(r.time)},
          {"cpu_seconds", r.cpu_seconds},
          {"block_bytes", r.block_bytes},
          {"model_sha256", r.model_sha256},
          {"fingerprint", r.fingerprint},
          {"wire", r.wire},
          {"instruction_set", r.instruction_set},
          {"started", r.started},
          {"identity", r.identity}};
}

ScalingRecord read_record(const std::filesystem::path& file) {
  const json object = parse_json(read_file(file));
  if (!object.is_object()) {
    throw DataError{file.string() + ": damaged, expected a whole JSON object"};
  }
  try {
    return record_of(object);
  } catch (const std::exception& error) {  // of JSON, or of a notation
    throw DataError{fmt::format("{}: damaged: {}", file.string(), error.what())};
  }
}

}  // namespace factorps::scheduler
