#include "scheduler/scaling/pictures.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace factorps::scheduler {
namespace {

constexpr std::array kClasses{"a", "b", "c", "d", "e"};
const char* class_of(std::size_t group) { return kClasses[group % kClasses.size()]; }

std::string plain(double value) { return fmt::format("{:.3g}", value); }
std::string seconds_text(double value) { return fmt::format("{:.3g} s", value); }

/// The speed-up that the fit predicts without a network, from the baseline to `most` workers.
std::vector<std::pair<double, double>> fitted_speed_up(const ScalingGroup& group, int most) {
  std::vector<std::pair<double, double>> curve;
  if (!group.fit) return curve;
  const int first = group.points.front().workers;
  const auto cost = [&](int workers) { return group.fit->seconds({1, workers, 0, 1}); };
  const int step = std::max(1, (most - first) / 100);
  for (int workers = first; workers <= most; workers += step) {
    curve.emplace_back(workers, cost(first) / cost(workers));
  }
  return curve;
}

int most_workers(const ScalingSummary& summary) {
  int most = 1;
  for (const ScalingGroup& group : summary.groups) {
    most = std::max(most, group.points.back().workers);
  }
  return most;
}

/// A series per group of one of the estimates.
ScatterChart chart_of(const ScalingSummary& summary, const char* name,
                      Estimate ScalingPoint::*estimate) {
  ScatterChart chart{name, "workers", {}, {}};
  for (const ScalingGroup& group : summary.groups) {
    ScatterChart::Series series{group.name(), class_of(chart.series.size()), {}, {}};
    for (const ScalingPoint& p : group.points) {
      const Estimate& e = p.*estimate;
      series.points.push_back({static_cast<double>(p.workers), e.value, e.low, e.high,
                               p.layout.name(), p.oversubscribed});
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

Legend legend_of(const ScatterChart& chart) {
  Legend legend;
  for (const auto& series : chart.series) legend.emplace_back(series.css_class, series.name);
  return legend;
}

constexpr const char* kHowToRead = "bars: 95 % intervals; hollow: more workers than cores";

Picture speed_up(const ScalingSummary& summary) {
  ScatterChart chart = chart_of(summary, "speed-up", &ScalingPoint::speed_up);
  const int most = most_workers(summary);
  const int first = summary.groups.front().points.front().workers;
  chart.ideal = {{first, 1}, {most, static_cast<double>(most) / first}};
  for (std::size_t g = 0; g < chart.series.size(); ++g) {
    chart.series[g].curve = fitted_speed_up(summary.groups[g], most);
  }
  return {"speed-up",
          "Speed-up (" + summary.mode + " scaling)",
          {"grey: ideal; broken colour: fit without network", kHowToRead},
          scatter_chart(chart, plain),
          legend_of(chart)};
}

Picture efficiency(const ScalingSummary& summary) {
  ScatterChart chart = chart_of(summary, "efficiency", &ScalingPoint::efficiency);
  chart.ideal = {{0, 1}, {most_workers(summary), 1}};
  return {"efficiency",
          "Efficiency (" + summary.mode + " scaling)",
          {kHowToRead},
          scatter_chart(chart, plain),
          legend_of(chart)};
}

Picture cpu_efficiency(const ScalingSummary& summary) {
  ScatterChart chart = chart_of(summary, "CPU efficiency", &ScalingPoint::cpu_efficiency);
  chart.ideal = {{0, 1}, {most_workers(summary), 1}};
  return {"cpu-efficiency",
          "CPU efficiency",
          {"interactions per CPU second of the workers", kHowToRead},
          scatter_chart(chart, plain),
          legend_of(chart)};
}

Picture time_split(const ScalingSummary& summary) {
  StackedChart chart{"time split",
                     {"compute", "wait for a turn", "wait for a block", "evaluation", "checkpoint"},
                     {kClasses.begin(), kClasses.end()},
                     {}};
  for (const ScalingGroup& group : summary.groups) {
    for (const ScalingPoint& p : group.points) {
      const std::string layout = p.layout.name() + (p.oversubscribed ? " !" : "");
      chart.rows.push_back({summary.groups.size() == 1 ? layout : layout + ", " + group.name(),
                            {p.time.compute, p.time.wait_turn, p.time.wait_block, p.time.evaluate,
                             p.time.checkpoint}});
    }
  }
  Legend legend;
  for (std::size_t p = 0; p < chart.parts.size(); ++p) {
    legend.emplace_back(chart.css_classes[p], chart.parts[p]);
  }
  return {"time-split",
          "Time split of an epoch",
          {"the mean worker; !: more workers than cores"},
          bar_chart(chart, seconds_text),
          legend};
}

}  // namespace

std::vector<Picture> scaling_pictures(const ScalingSummary& summary) {
  return {speed_up(summary), efficiency(summary), cpu_efficiency(summary), time_split(summary)};
}

std::string file_of(const Picture& picture, const ScalingSummary& summary) {
  std::vector<std::string> notes = picture.notes;
  const auto over = [](const ScalingPoint& p) { return p.oversubscribed; };
  if (std::ranges::any_of(summary.groups, [&](const ScalingGroup& group) {
        return std::ranges::any_of(group.points, over);
      })) {
    notes.push_back(fmt::format(
        "this machine has {} cores: hollow points and ! say nothing of speed", summary.cores));
  }
  return svg_file(picture.chart, picture.title, notes, picture.legend);
}

}  // namespace factorps::scheduler
