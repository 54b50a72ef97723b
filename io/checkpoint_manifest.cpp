#include "io/checkpoint_manifest.hpp"

#include <charconv>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/json_text.hpp"

namespace factorps {
namespace {

using nlohmann::json;

// The manifest's own checksum is that of its text with zeros in the place of the checksum.
constexpr std::string_view kChecksum = R"("checksum":")";
constexpr std::string_view kZeros = "0000000000000000";

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::uint64_t from_hex(const std::string& digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits != hex(value)) {
    throw CheckpointError{
        fmt::format("checksum '{}', expected 16 lower-case hexadecimal digits", digits)};
  }
  return value;
}

std::string checksum_of(std::string_view text) {
  return hex(checksum(std::as_bytes(std::span{text})));
}

json to_json(const CheckpointFile& file) {
  json datasets = json::array();
  for (const CheckpointDataset& data : file.datasets) {
    datasets.push_back({data.name, data.offset, data.bytes, hex(data.checksum)});
  }
  return {{"name", file.name},
          {"bytes", file.bytes},
          {"xxh3", hex(file.checksum)},
          {"frame", hex(file.frame)},
          {"datasets", std::move(datasets)}};
}

std::uint64_t natural(const json& value, const char* what) {
  return natural_at(json::object({{what, value}}), what);
}

CheckpointFile file_from(const json& entry) {
  CheckpointFile file{entry.at("name"), natural_at(entry, "bytes"), from_hex(entry.at("xxh3"))};
  if (file.name.empty() || file.name.find('/') != std::string::npos || file.name.front() == '.') {
    throw CheckpointError{fmt::format("file name '{}' leaves the checkpoint", file.name)};
  }
  if (!entry.contains("datasets")) return file;  // before version 3
  file.frame = from_hex(entry.at("frame"));
  for (const json& data : entry.at("datasets")) {
    file.datasets.push_back({data.at(0), natural(data.at(1), "offset"),
                             natural(data.at(2), "bytes"), from_hex(data.at(3))});
  }
  arrange_datasets(file);
  return file;
}

void require_own_checksum(const std::string& text) {
  const std::size_t key = text.find(kChecksum);
  const std::size_t digits = key + kChecksum.size();
  if (key == std::string::npos || text.size() < digits + kZeros.size()) {
    throw CheckpointError{"has no checksum of its own"};
  }
  std::string zeroed = text;
  zeroed.replace(digits, kZeros.size(), kZeros);
  const std::string expected = checksum_of(zeroed);
  const std::string_view found = std::string_view{text}.substr(digits, kZeros.size());
  if (found != expected) {
    throw CheckpointError{fmt::format("is damaged: has checksum {}, says {}", expected, found)};
  }
}

}  // namespace

std::string manifest_text(const CheckpointManifest& manifest) {
  json files = json::array();
  for (const CheckpointFile& file : manifest.files) files.push_back(to_json(file));
  const json document{{"format", "factorps-checkpoint"},
                      {"version", kCheckpointVersion},
                      {"checksum", kZeros},
                      {"epoch", manifest.epoch},
                      {"step", manifest.step},
                      {"dataset", manifest.dataset},
                      {"identity", manifest.identity},
                      {"instruction_set", manifest.instruction_set},
                      {"state", json::parse(manifest.state)},
                      {"files", files}};
  std::string text = document.dump() + '\n';
  const std::string checksum = checksum_of(text);
  return text.replace(text.find(kChecksum) + kChecksum.size(), kZeros.size(), checksum);
}

CheckpointManifest parse_manifest(const std::string& text) {
  const json document = parse_json(text);
  if (!document.is_object()) throw CheckpointError{"no JSON object, or nested too deep"};
  if (document.at("format") != "factorps-checkpoint") {
    throw CheckpointError{"not a manifest of a checkpoint"};
  }
  const std::uint64_t version = natural_at(document, "version");
  if (version > kCheckpointVersion) {
    throw CheckpointError{
        fmt::format("version {}, expected at most {}", version, kCheckpointVersion)};
  }
  // Also if the version itself is damaged.
  if (version >= 3 || document.contains("checksum")) require_own_checksum(text);
  CheckpointManifest manifest{natural_at(document, "epoch"),
                              document.at("dataset"),
                              document.at("identity"),
                              document.at("instruction_set"),
                              document.at("state").dump(),
                              {},
                              version,
                              version >= 3 ? natural_at<std::uint32_t>(document, "step") : 0};
  for (const json& entry : document.at("files")) manifest.files.push_back(file_from(entry));
  return manifest;
}

}  // namespace factorps
