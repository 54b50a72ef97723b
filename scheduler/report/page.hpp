/// A run as one HTML page that needs nothing else: no network, no scripts.
#pragma once

#include <string>

#include "scheduler/report/run_record.hpp"

namespace factorps::scheduler {

/// Pure: equal records give equal pages. Every text of the record is escaped.
[[nodiscard]] std::string report_page(const RunRecord& run);

}  // namespace factorps::scheduler
