/// What `inspect` says of the people in a file: what whoever has the file learns of them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "io/dataset.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

[[nodiscard]] nlohmann::ordered_json personal_data(const Dataset& dataset);
[[nodiscard]] nlohmann::ordered_json personal_data(const Model& model);

}  // namespace factorps::apps
