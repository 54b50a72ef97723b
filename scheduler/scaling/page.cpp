#include "scheduler/scaling/page.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "scheduler/plan.hpp"
#include "scheduler/report/html.hpp"
#include "scheduler/scaling/pictures.hpp"

namespace factorps::scheduler {
namespace {

namespace fs = std::filesystem;

std::string tiles(const ScalingSummary& summary) {
  std::string body = tile("scaling", summary.mode);
  body += tile("runs",
               fmt::format("{} of {}", summary.planned - summary.missing.size(), summary.planned));
  body += tile("models", summary.disagreements.empty() ? "agree" : "DISAGREE");
  body += tile("machines", std::to_string(summary.hosts.size()));
  body += tile("cores of each", std::to_string(summary.cores));
  return "<div class=\"tiles\">\n" + body + "</div>\n";
}

std::string caution_card(const ScalingSummary& summary) {
  std::string body;
  for (const std::string& caution : cautions(summary)) {
    body += "<p class=\"loss\">" + escaped(caution) + ".</p>\n";
  }
  return body.empty() ? body : card("Before reading on", "", body);
}

std::string html_legend(const Legend& legend) {
  std::string out = "<p class=\"legend\">";
  for (const auto& [css_class, name] : legend) {
    out += fmt::format("<span><i class=\"{}\"></i>{}</span>", css_class, escaped(name));
  }
  return out + "</p>\n";
}

std::string picture_cards(const ScalingSummary& summary) {
  std::string narrow;
  std::string wide;
  for (const Picture& picture : scaling_pictures(summary)) {
    const bool bars = picture.file == "time-split";
    (bars ? wide : narrow) +=
        card(picture.title, fmt::format("{}", fmt::join(picture.notes, "; ")),
             html_legend(picture.legend) +
                 (bars ? "<div class=\"wide\">" + picture.chart + "</div>\n" : picture.chart));
  }
  return pair(narrow) + wide;
}

std::string estimate_cell(const Estimate& e, std::size_t runs) {
  if (runs < 2) return fmt::format("<td>{:.3f}</td>", e.value);
  return fmt::format("<td>{:.3f}<br><small>{:.3f} to {:.3f}</small></td>", e.value, e.low, e.high);
}

std::string row(const ScalingPoint& p, std::size_t runs_of_baseline) {
  const std::size_t runs = std::min(p.runs, runs_of_baseline);
  return fmt::format("<tr><td>{}{}{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.4g} s</td>",
                     escaped(p.layout.name()), p.oversubscribed ? " !" : "",
                     p.pretended ? " ~" : "", p.workers, p.nodes, p.runs, p.epoch_seconds) +
         estimate_cell(p.speed_up, runs) + estimate_cell(p.efficiency, runs) +
         fmt::format("<td>{:.4g} s</td>", p.cpu_seconds) + estimate_cell(p.cpu_efficiency, runs) +
         fmt::format("<td>{:.1f} %</td><td>{}</td><td><code>{:.12}</code></td></tr>\n",
                     100 * p.stalled, size_text(static_cast<std::uint64_t>(p.bytes_per_node)),
                     escaped(p.model_sha256));
}

std::string group_card(const ScalingGroup& group) {
  std::string rows =
      "<tr><th>layout</th><th>workers</th><th>nodes</th><th>runs</th><th>epoch</th>"
      "<th>speed-up</th><th>efficiency</th><th>CPU per epoch</th><th>CPU efficiency</th>"
      "<th>stalled</th><th>bytes per node</th><th>model</th></tr>\n";
  for (const ScalingPoint& point : group.points) rows += row(point, group.points.front().runs);
  return card(group.name(),
              fmt::format("medians; 95 % bootstrap intervals of ratios to {}",
                          group.points.front().layout.name()),
              "<div class=\"wide\"><table>\n" + rows + "</table></div>\n<p class=\"note\">" +
                  escaped(fit_sentence(group)) + "</p>\n");
}

}  // namespace

bool is_scaling_directory(const fs::path& directory) {
  return fs::is_regular_file(directory / "scaling.json");
}

std::vector<ScalingRecord> read_records(const fs::path& directory, const Config& config) {
  std::vector<ScalingRecord> records;
  for (const ScalingRun& run : scaling_runs(config)) {
    const fs::path file = directory / "runs" / (run.id() + ".json");
    if (!fs::exists(file)) continue;
    records.push_back(read_record(file));
    if (records.back().identity == scaling_identity(config, run)) continue;
    throw ConfigError{fmt::format(
        "{}: was measured with another configuration; expected the same, or another run.dir",
        file.string())};
  }
  if (records.empty()) {
    throw DataError{fmt::format("{}: no run has a result, expected at least one",
                                (directory / "runs").string())};
  }
  return records;
}

std::string scaling_page(const ScalingSummary& summary, const std::string& name,
                         const std::string& config) {
  std::string body = fmt::format(
      "<h1>{}</h1><p class=\"state\">{}</p>\n", escaped(name),
      escaped(fmt::format("a scaling experiment on {}", fmt::join(summary.hosts, ", "))));
  body += tiles(summary) + caution_card(summary) + picture_cards(summary);
  for (const ScalingGroup& group : summary.groups) body += group_card(group);
  return document(name, body + card("Configuration", "as it was in effect, with all defaults",
                                    folded("config.toml", config)));
}

}  // namespace factorps::scheduler
