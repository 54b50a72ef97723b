#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "io/config_schema.hpp"

namespace factorps {
namespace {

/// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out{'"'};
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

struct ToToml {
  std::string operator()(const bool* x) const { return *x ? "true" : "false"; }
  std::string operator()(const std::int64_t* x) const { return fmt::format("{}", *x); }
  std::string operator()(const std::uint64_t* x) const { return fmt::format("{}", *x); }
  /// The shortest text that reads back as the same number.
  std::string operator()(const double* x) const { return fmt::format("{}", *x); }
  std::string operator()(const std::optional<double>* x) const {
    return x->has_value() ? fmt::format("{}", **x) : std::string{};
  }
  std::string operator()(const std::string* x) const { return toml_string(*x); }
  std::string operator()(const std::filesystem::path* x) const {
    return x->empty() ? std::string{} : toml_string(x->string());
  }
  std::string operator()(const std::vector<std::filesystem::path>* x) const {
    std::vector<std::string> items;
    for (const auto& path : *x) items.push_back(toml_string(path.string()));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  std::string operator()(const std::vector<std::string>* x) const {
    std::vector<std::string> items;
    for (const std::string& text : *x) items.push_back(toml_string(text));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  std::string operator()(const std::vector<std::int64_t>* x) const {
    return fmt::format("[{}]", fmt::join(*x, ", "));
  }
};

std::string type_name(const Field& field) {
  struct Name {
    std::string_view operator()(const bool*) const { return "true or false"; }
    std::string_view operator()(const std::int64_t*) const { return "an integer"; }
    std::string_view operator()(const std::uint64_t*) const { return "an integer"; }
    std::string_view operator()(const double*) const { return "a number"; }
    std::string_view operator()(const std::optional<double>*) const { return "a number"; }
    std::string_view operator()(const std::string*) const { return "text"; }
    std::string_view operator()(const std::filesystem::path*) const { return "a file name"; }
    std::string_view operator()(const std::vector<std::filesystem::path>*) const {
      return "a list of file names";
    }
    std::string_view operator()(const std::vector<std::string>*) const { return "a list of texts"; }
    std::string_view operator()(const std::vector<std::int64_t>*) const {
      return "a list of integers";
    }
  };
  return std::string{std::visit(Name{}, field.value)};
}

std::string range_text(const Field& field) {
  const Rule& rule = field.rule;
  if (std::isinf(rule.low)) return {};
  if (std::holds_alternative<std::uint64_t*>(field.value))
    return fmt::format(" from 0 to {}", static_cast<std::uint64_t>(rule.high));
  constexpr double kWorthNaming = 1e9;
  if (rule.high <= kWorthNaming) return fmt::format(" from {} to {}", rule.low, rule.high);
  return fmt::format(" {} {}", rule.above_low ? "above" : "of at least", rule.low);
}

constexpr std::string_view kIntroduction = R"(# Configuration

One TOML file describes a run from raw data to model; every subcommand reads the same file. This
page is made from the declarations in `io/config_schema.cpp` by `factorps config --markdown`; a test
fails when it is out of date.

- Relative paths in the file are relative to the file; in `--set` to the current directory.
- `--set section.key=value` overrides the file, in every subcommand that reads a configuration, and
  may be repeated. The value is read as TOML, and as text if it is not TOML: `--set model.dim=64`,
  `--set run.dir=runs/b`, `--set 'data.source=["a.csv", "b.csv"]'`.
- A list may be written as its single element.
- An unknown key or section, a value of the wrong type or out of range and keys that contradict each
  other are errors. All of them are reported at once, each with its line and the nearest name.
- `factorps config FILE` prints the configuration that results, with all defaults.
)";

constexpr std::string_view kExitCodes = R"(
## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | a bug, or a failure of the MPI library |
| 2 | command line or configuration |
| 3 | raw data, a dataset or a model file that is missing, malformed or damaged |
| 4 | a checkpoint that cannot be used |
| 5 | memory, disk or shared memory that is not there, a wait that passed its deadline, or a rank that died or stands still (under `mpirun` a killed rank is 128 + its signal: 137) |
| 75 | stopped early by the time limit, the end of the allocation, a signal or the file `stop`, with a good checkpoint: run again to continue |
)";

std::string markdown_row(const Field& field) {
  const std::string value = toml_value(field);
  std::string allowed = expectation(field);
  return fmt::format("| `{}` | {} | {} | {} |\n", field.name(), allowed,
                     value.empty() ? "unset" : fmt::format("`{}`", value), field.help);
}

/// The version of model/cell_order.hpp: a training that began in another order cannot go on in
/// this.
constexpr const char* kOrderOfCells = "order_of_cells = 2\n";

}  // namespace

std::string toml_value(const Field& field) { return std::visit(ToToml{}, field.value); }

std::string expectation(const Field& field) {
  const Rule& rule = field.rule;
  if (rule.choices.size() == 1) return toml_string(rule.choices.front());
  if (!rule.choices.empty()) {
    std::vector<std::string> choices;
    for (const std::string_view choice : rule.choices) choices.push_back(toml_string(choice));
    return fmt::format("one of {}", fmt::join(choices, ", "));
  }
  if (rule.plain) return "text or a number";
  if (rule.pairs) return "a table of numbers, or a list of \"name=number\"";
  return type_name(field) + range_text(field);
}

std::string to_toml(const Config& config) {
  Config copy = config;  // fields bind to a mutable object
  const std::vector<Field> fields = config_fields(copy);
  std::string text;
  for (const Section& section : config_sections()) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section.name);
    for (const Field& field : fields) {
      if (field.section() != section.name) continue;
      const std::string value = toml_value(field);
      if (!value.empty()) text += fmt::format("{} = {}\n", field.name(), value);
    }
  }
  return text;
}

std::string to_json(const Config& config) {
  Config copy = config;
  nlohmann::ordered_json json;
  for (const Field& field : config_fields(copy)) {
    std::string pointer = '/' + std::string{field.key};
    std::ranges::replace(pointer, '.', '/');
    const std::string value = toml_value(field);  // JSON too
    json[nlohmann::ordered_json::json_pointer{pointer}] =
        nlohmann::ordered_json::parse(value.empty() ? "null" : value);
  }
  return json.dump(2) + '\n';
}

std::string training_identity(const Config& config) {
  Config copy = config;
  std::string text = kOrderOfCells;
  for (const Field& field : config_fields(copy))
    if (field.identity == Identity::yes)
      text += fmt::format("{} = {}\n", field.key, toml_value(field));
  return text;
}

std::string configuration_markdown() {
  Config defaults;
  const std::vector<Field> fields = config_fields(defaults);
  std::string text{kIntroduction};
  for (const Section& section : config_sections()) {
    text +=
        fmt::format("\n## [{}]\n\n{}\n\n| key | expects | default | meaning |\n|---|---|---|---|\n",
                    section.name, section.help);
    for (const Field& field : fields)
      if (field.section() == section.name) text += markdown_row(field);
  }
  text += kExitCodes;
  return text;
}

}  // namespace factorps
