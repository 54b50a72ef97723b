/// What every evaluation says of its data, in JSON and for people.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "io/dataset.hpp"

namespace factorps::apps {

/// The beginning of a protocol: dataset, fingerprint, split, part.
[[nodiscard]] nlohmann::ordered_json data_protocol(const Dataset& dataset, const std::string& part);

/// One line of a result for people.
void print_line(const char* name, const std::string& text);
/// Predictor, dataset, rows (if the result has them) and split (if the dataset knows it).
/// @param result with "predictor" and "protocol"
void print_head(const nlohmann::ordered_json& result);

}  // namespace factorps::apps
