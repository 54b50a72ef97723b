/// The text of a checkpoint's manifest.
#pragma once

#include <string>

#include "io/checkpoint.hpp"

namespace factorps {

[[nodiscard]] std::string manifest_text(const CheckpointManifest& manifest);
/// Back from manifest_text(), or from what earlier versions wrote.
/// @throws std::exception saying what is wrong
[[nodiscard]] CheckpointManifest parse_manifest(const std::string& text);

}  // namespace factorps
