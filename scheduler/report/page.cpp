#include "scheduler/report/page.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/metric_name.hpp"
#include "scheduler/loss_report.hpp"
#include "scheduler/plan.hpp"
#include "scheduler/progress.hpp"
#include "scheduler/report/chart.hpp"
#include "scheduler/report/html.hpp"

namespace factorps::scheduler {
namespace {

using nlohmann::json;

std::string plain(double value) { return fmt::format("{:.4g}", value); }
std::string seconds_text(double value) { return fmt::format("{:.4g} s", value); }

/// 1234567 -> "1 234 567", with thin spaces.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, "\u2009");
  return digits;
}

/// A value of the summary as people read it. @param pointer "/dataset/path"
std::string text_of(const json& summary, const char* pointer) {
  const json::json_pointer at{pointer};
  if (!summary.contains(at)) return "unknown";
  const json& value = summary.at(at);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) return grouped(value.get<std::uint64_t>());
  if (value.is_number_float()) return fmt::format("{:.5f}", value.get<double>());
  return value.is_null() ? "none" : value.dump();
}

std::string joined(const json& list) {
  std::string text;
  for (const auto& [name, value] : list.items()) {
    if (!text.empty()) text += ", ";
    if (list.is_object()) text += name + ' ';
    text += value.is_string() ? value.get<std::string>() : value.dump();
  }
  return text;
}

std::string fact(const char* name, const std::string& value) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, escaped(value));
}

/// The last that was the best so far; null if none was evaluated.
const EpochRecord* best_of(const RunRecord& run) {
  const auto best = std::find_if(run.epochs.rbegin(), run.epochs.rend(),
                                 [](const EpochRecord& epoch) { return epoch.best; });
  return best == run.epochs.rend() ? nullptr : &*best;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string header(const RunRecord& run, const json& summary) {
  const auto directory = std::filesystem::weakly_canonical(run.path);
  std::string state = fmt::format("not finished: {} epoch{} so far", run.epochs.back().epoch,
                                  run.epochs.back().epoch == 1 ? "" : "s");
  if (!run.summary.empty()) {
    state = fmt::format("finished after {} epochs; the model is that of epoch {}",
                        text_of(summary, "/epochs"), text_of(summary, "/model_epoch"));
  }
  return fmt::format("<h1>{}</h1><p class=\"state\">{}</p>\n",
                     escaped(directory.filename().string()), escaped(state));
}

std::string tiles(const RunRecord& run, const json& summary) {
  std::string body;
  const std::string metric = upper(run.metric);
  for (const char* part : {"test", "validation"}) {
    if (!summary.contains(part) || !summary[part].is_object()) continue;
    body += tile(fmt::format("{} {}", part, metric),
                 text_of(summary, fmt::format("/{}/{}", part, run.metric).c_str()));
  }
  if (const EpochRecord* best = best_of(run); best != nullptr && run.summary.empty()) {
    body += tile("best validation " + metric, fmt::format("{:.5f}", *best->validation));
  }
  double seconds = 0;
  for (const EpochRecord& epoch : run.epochs) {
    seconds += epoch.train_seconds + epoch.evaluate_seconds + epoch.checkpoint_seconds;
  }
  body += tile("epochs", std::to_string(run.epochs.back().epoch));
  body += tile("time of all epochs", duration_text(seconds));
  if (summary.contains("peak_memory_bytes") && summary.contains("updates_per_cpu_second")) {
    const json& rate = summary["updates_per_cpu_second"];
    if (rate.is_number()) {
      body += tile("updates per CPU second", fmt::format("{:.1f} M", rate.get<double>() / 1e6));
    }
    body += tile("peak memory", size_text(summary["peak_memory_bytes"].get<std::uint64_t>()));
  }
  return "<div class=\"tiles\">\n" + body + "</div>\n";
}

std::string facts(const RunRecord& run, const json& summary) {
  std::string body = fact("run", std::filesystem::weakly_canonical(run.path).string());
  if (run.summary.empty()) {
    body += fact("dataset", run.dataset.string());
    return card("What, when, where", "the rest is in summary.json at the end of a training",
                "<dl>" + body + "</dl>\n");
  }
  const auto text = [&summary](const char* pointer) { return text_of(summary, pointer); };
  body += fact("model", text("/model"));
  body += fact("model SHA-256", text("/model_sha256"));
  body += fact("dataset", text("/dataset/path"));
  body += fact("fingerprint", text("/dataset/fingerprint"));
  body +=
      fact("size",
           fmt::format("{} users, {} items; {} interactions to train, {} to validate, {} to test",
                       text("/dataset/users"), text("/dataset/items"), text("/dataset/train"),
                       text("/dataset/validation"), text("/dataset/test")));
  body += fact("grid", fmt::format("{} strips x {} blocks", text("/dataset/strips"),
                                   text("/dataset/blocks")));
  body += fact("started", text("/started"));
  body += fact("hosts", joined(summary.value("hosts", json::array())));
  body += fact("job", fmt::format("ranks {}, servers {}, workers {}, nodes {}; {} kernels",
                                  text("/ranks"), text("/servers"), text("/workers"),
                                  text("/nodes"), text("/instruction_set")));
  if (summary.contains("slurm") && summary["slurm"].is_object()) {
    body += fact("SLURM", joined(summary["slurm"]));
  }
  body += fact("versions", joined(summary.value("versions", json::object())));
  return card("What, when, where", "of the job that finished", "<dl>" + body + "</dl>\n");
}

std::string error_cards(const RunRecord& run) {
  LineChart train{"train " + upper(run.train_metric), "a", {}, -1, {}};
  LineChart validation{"validation " + upper(run.metric), "b", {}, -1, {}};
  const EpochRecord* best = best_of(run);
  for (const EpochRecord& epoch : run.epochs) {
    const auto x = static_cast<double>(epoch.epoch);
    train.points.emplace_back(x, epoch.train);
    const auto value = epoch.validation;
    if (!value) continue;
    if (&epoch == best) {
      validation.marked = static_cast<int>(validation.points.size());
      validation.mark = fmt::format("best: {:.5f} in epoch {}", *value, epoch.epoch);
    }
    validation.points.emplace_back(x, *value);
  }
  const std::string nothing = "<p>No epoch was evaluated.</p>\n";
  return card("Train " + upper(run.train_metric),
              run.ranks ? "per interaction, without penalties"
                        : "normalised values; each error before its own update",
              line_chart(train, plain)) +
         card("Validation " + upper(run.metric),
              run.ranks ? "over all items; mean of users" : "original units",
              validation.points.empty() ? nothing : line_chart(validation, plain));
}

std::string rate_card(const RunRecord& run) {
  LineChart rate{"learning-rate factor", "a", {}, -1, {}};
  for (const EpochRecord& epoch : run.epochs) {
    rate.points.emplace_back(static_cast<double>(epoch.epoch), epoch.rate_factor);
  }
  return card("Learning-rate factor", "of the schedule, on the configured rates",
              line_chart(rate, plain));
}

std::string seconds_card(const RunRecord& run) {
  StackedChart chart{"seconds per epoch", {"train", "evaluate", "checkpoint"}, {"a", "b", "c"}, {}};
  for (const EpochRecord& epoch : run.epochs) {
    chart.rows.push_back({std::to_string(epoch.epoch),
                          {epoch.train_seconds, epoch.evaluate_seconds, epoch.checkpoint_seconds}});
  }
  return card("Seconds per epoch", "wall time", legend(chart) + column_chart(chart, seconds_text));
}

/// The binary unit in which a number of bytes has one to four digits.
std::pair<double, const char*> unit_of(double bytes) {
  double unit = 1;
  for (const char* name : {"bytes", "KiB", "MiB", "GiB"}) {
    if (bytes < 1024 * unit) return {unit, name};
    unit *= 1024;
  }
  return {unit, "TiB"};
}

std::string bytes_card(const RunRecord& run) {
  double most = 0;
  for (const EpochRecord& epoch : run.epochs) {
    most = std::max(most, epoch.train_block_bytes + epoch.evaluate_block_bytes);
  }
  const char* title = "Between nodes";
  const char* note = "item blocks sent per epoch";
  if (most == 0) return card(title, note, "<p>Nothing: all ranks were on one node.</p>\n");
  const auto [unit, name] = unit_of(most);
  StackedChart chart{"bytes between nodes", {"train", "evaluate"}, {"a", "b"}, {}};
  for (const EpochRecord& epoch : run.epochs) {
    chart.rows.push_back({std::to_string(epoch.epoch),
                          {epoch.train_block_bytes / unit, epoch.evaluate_block_bytes / unit}});
  }
  const auto text = [name = name](double value) { return fmt::format("{:.4g} {}", value, name); };
  return card(title, note, legend(chart) + column_chart(chart, text));
}

std::string time_card(const RunRecord& run) {
  StackedChart chart{
      "time per worker",
      {"compute", "wait for a turn or for the others", "wait for a block of another node"},
      {"a", "b", "c"},
      {}};
  const auto shown = workers_to_show(run.workers);
  for (const std::size_t w : shown) {
    const comm::WorkerDone& worker = run.workers[w];
    chart.rows.push_back(
        {fmt::format("worker {}", w),
         {worker.compute_seconds, worker.wait_turn_seconds, worker.wait_block_seconds}});
  }
  const std::string note = shown.size() < run.workers.size()
                               ? fmt::format("; the {} of {} workers that computed least",
                                             shown.size(), run.workers.size())
                               : "";
  return card("Why not faster", "training passes of " + run.summed + note,
              fmt::format("<p class=\"loss\">Largest loss: {}.</p>\n{}<div "
                          "class=\"wide\">{}</div><details><summary>As a "
                          "table</summary><pre>{}</pre></details>\n",
                          escaped(run.largest_loss), legend(chart),
                          bar_chart(chart, [](double s) { return fmt::format("{:.2f} s", s); }),
                          escaped(time_table(run.workers))));
}

using Names = std::vector<std::pair<std::string, std::string>>;  // shown, in summary.json

/// What was measured of the finished model.
Names names_of_metrics(const RunRecord& run) {
  if (!run.ranks) {
    return {{"RMSE, clipped", "rmse_clipped"},     {"MAE, clipped", "mae_clipped"},
            {"RMSE, unclipped", "rmse_unclipped"}, {"MAE, unclipped", "mae_unclipped"},
            {"interactions", "interactions"},      {"of a cold user", "cold_users"},
            {"of a cold item", "cold_items"},      {"of both", "cold_both"}};
  }
  Names names;
  const std::uint64_t k = parse_metric(run.metric).value().k;
  for (std::size_t m = 0; m < kRankingMetrics.size(); ++m) {
    const std::string name = MetricAtK{m, k}.name();
    names.emplace_back(name, name);
  }
  names.emplace_back("users with something to find", "users");
  return names;
}

std::string metrics_card(const RunRecord& run, const json& summary) {
  if (!summary.contains("test")) return {};
  std::string rows;
  for (const auto& [name, key] : names_of_metrics(run)) {
    rows += fmt::format("<tr><td>{}</td>", name);
    for (const char* part : {"validation", "test"}) {
      const bool there = summary.contains(part) && summary[part].is_object();
      rows += fmt::format(
          "<td>{}</td>",
          there ? escaped(text_of(summary, fmt::format("/{}/{}", part, key).c_str())) : "none");
    }
    rows += "</tr>\n";
  }
  return card(run.ranks ? "Ranking by the model" : "Errors of the model",
              run.ranks ? "all items not known from training; in expectation over ties"
                        : "original units; cold: without training data",
              "<table><tr><th></th><th>validation</th><th>test</th></tr>\n" + rows + "</table>\n");
}

}  // namespace

std::string report_page(const RunRecord& run) {
  const json summary = run.summary.empty() ? json::object() : json::parse(run.summary);
  const std::string name = std::filesystem::weakly_canonical(run.path).filename().string();
  return document(name, header(run, summary) + tiles(run, summary) + facts(run, summary) +
                            pair(error_cards(run)) + time_card(run) +
                            pair(seconds_card(run) + bytes_card(run)) +
                            pair(rate_card(run) + metrics_card(run, summary)) +
                            card("Configuration", "as it was in effect, with all defaults",
                                 folded("config.toml", run.config)));
}

}  // namespace factorps::scheduler
