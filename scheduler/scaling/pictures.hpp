/// The pictures of a scaling experiment, inside a page and as files.
#pragma once

#include <string>
#include <vector>

#include "scheduler/report/scatter_chart.hpp"
#include "scheduler/scaling/summary.hpp"

namespace factorps::scheduler {

struct Picture {
  std::string file;                ///< name without ending: "speed-up"
  std::string title;               ///< "Speed-up"
  std::vector<std::string> notes;  ///< how to read it
  std::string chart;               ///< inline SVG
  Legend legend;
};

/// Speed-up, efficiency, CPU efficiency and time split.
[[nodiscard]] std::vector<Picture> scaling_pictures(const ScalingSummary& summary);
/// The same as a whole SVG file, with the cautions written into it.
[[nodiscard]] std::string file_of(const Picture& picture, const ScalingSummary& summary);

}  // namespace factorps::scheduler
