/// The keys of a configuration: each is declared once, in config_schema.cpp.
///
/// A Field binds a key to a member of one Config object, so that parsing, --set, validation,
/// to_toml() and docs/configuration.md are loops over fields().
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/config.hpp"

namespace factorps {

using FieldValue =
    std::variant<bool*, std::int64_t*, std::uint64_t*, double*, std::optional<double>*,
                 std::string*, std::filesystem::path*, std::vector<std::filesystem::path>*,
                 std::vector<std::string>*, std::vector<std::int64_t>*>;

/// What a key may hold, beyond its type.
struct Rule {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;                      ///< low itself is not allowed
  std::vector<std::string_view> choices = {};  ///< for text; empty: any text
  bool plain = false;  ///< text that may be written as a number or date-time
  bool pairs = false;  ///< list of "name=number" that may be written as a table
};

/// Whether a key decides which bits a training computes.
enum class Identity : bool { no, yes };

struct Field {
  std::string_view key;  ///< "section.name"
  FieldValue value;
  Rule rule;
  Identity identity;
  std::string_view help;

  [[nodiscard]] std::string_view section() const { return key.substr(0, key.find('.')); }
  [[nodiscard]] std::string_view name() const { return key.substr(key.find('.') + 1); }
};

struct Section {
  std::string_view name;
  std::string_view help;
};

/// In documentation order.
[[nodiscard]] const std::vector<Section>& config_sections();
/// All keys, bound to `config`, which must outlive the result; in documentation order.
[[nodiscard]] std::vector<Field> config_fields(Config& config);

/// Those of [attributes].
[[nodiscard]] std::vector<Field> attribute_fields(AttributesConfig& config);

/// "an integer from 1 to 8192", `one of "sgd", "adagrad"`: what an error message expects.
[[nodiscard]] std::string expectation(const Field& field);
/// Whether the bound value obeys the field's rule.
[[nodiscard]] bool obeys_rule(const Field& field);
/// The bound value as TOML: `0.1`, `"sgd"`, `["a", "b"]`; empty for an optional without value.
[[nodiscard]] std::string toml_value(const Field& field);

}  // namespace factorps
