#include "apps/protocol.hpp"

#include <iostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "io/json_text.hpp"

namespace factorps::apps {

using Json = nlohmann::ordered_json;

Json data_protocol(const Dataset& dataset, const std::string& part) {
  const auto prepare = parse_ordered_json(dataset.summary());
  const bool has_split = prepare.is_object() && prepare.contains("split");
  return {{"dataset", dataset.path().string()},
          {"fingerprint", dataset.fingerprint()},
          {"split", has_split ? prepare["split"] : Json()},
          {"part", part}};
}

void print_line(const char* name, const std::string& text) {
  std::cout << fmt::format("{:<11} {}\n", name, text);
}

void print_head(const Json& result) {
  const Json& how = result["protocol"];
  print_line("predictor", result["predictor"].get<std::string>());
  print_line("dataset", fmt::format("{} (fingerprint {})", how["dataset"].get<std::string>(),
                                    how["fingerprint"].get<std::string>()));
  if (result.contains("rows")) print_line("rows", result["rows"].get<std::string>());
  if (result.contains("folded_in")) {
    print_line("folded in", result["folded_in"].get<std::string>());
  }
  if (how["split"].is_string()) print_line("split", how["split"].get<std::string>());
}

}  // namespace factorps::apps
