#include "io/text/layout.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "io/text/block_reader.hpp"
#include "io/text/fields.hpp"
#include "io/text/number.hpp"

namespace factorps {
namespace {

using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 4> kUserNames{"user", "user_id", "userid", "uid"};
constexpr std::array<std::string_view, 6> kItemNames{"item", "item_id",  "itemid",
                                                     "iid",  "movie_id", "movieid"};
constexpr std::array<std::string_view, 5> kValueNames{"rating", "ratings", "value", "score",
                                                      "stars"};
constexpr std::array<std::string_view, 5> kTimeNames{"timestamp", "time", "datetime", "date",
                                                     "unixtime"};

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// The first lines of a file, without a byte order mark.
struct Sample {
  std::string text;
  std::vector<std::string_view> lines;  // complete and not empty
};

Sample read_sample(const std::filesystem::path& path) {
  constexpr std::size_t kSampleBytes = 1 << 16;
  BlockReader reader{open_source(path), kSampleBytes};
  while (reader.fill() && reader.window().find('\n') == std::string_view::npos) {
  }
  Sample sample{std::string{reader.window()}, {}};
  std::string_view rest = sample.text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) sample.lines.push_back(line);
    rest.remove_prefix(end + 1);
  }
  return sample;
}

/// Lines of blanks-separated fields of many different lengths.
bool looks_like_lists(const Sample& sample, const TextLayout& layout) {
  if (layout.delimiter != kBlanks) return false;
  std::vector<std::string_view> fields;
  std::size_t least = std::string_view::npos;
  std::size_t most = 0;
  for (const std::string_view line : sample.lines) {
    split_fields(line, layout.delimiter, fields);
    least = std::min(least, fields.size());
    most = std::max(most, fields.size());
  }
  return most > 4 && least < most;
}

TextLayout::Kind choose_kind(const std::string& format, const Sample& sample,
                             const TextLayout& layout) {
  using Kind = TextLayout::Kind;
  if (format == "lists") return Kind::lists;
  if (format == "csv") return Kind::quoted;
  if (format != "auto") return Kind::delimited;
  const bool quotes = sample.text.find('"') != std::string::npos;
  if (quotes && (layout.delimiter == "," || layout.delimiter == ";")) return Kind::quoted;
  return looks_like_lists(sample, layout) ? Kind::lists : Kind::delimited;
}

std::vector<std::string> first_fields(const Sample& sample, const TextLayout& layout) {
  if (sample.lines.empty()) return {};
  if (layout.kind == TextLayout::Kind::quoted) {
    CsvRecord record;
    const auto start = static_cast<std::size_t>(sample.lines.front().data() - sample.text.data());
    if (read_csv_record(std::string_view{sample.text}.substr(start), layout.delimiter.front(),
                        record)) {
      return record.fields;
    }
  }
  std::vector<std::string_view> fields;
  split_fields(sample.lines.front(), layout.delimiter, fields);
  return {fields.begin(), fields.end()};
}

/// Turns column settings into column numbers for one file.
class Columns {
 public:
  Columns(const std::filesystem::path& path, std::vector<std::string> first, bool recbole)
      : path_{path}, first_{std::move(first)} {
    for (std::string& field : first_) {  // RecBole: user_id:token
      if (recbole) field.resize(std::min(field.find(':'), field.size()));
      names_.push_back(lower(field));
    }
  }

  /// Whether the first line holds names rather than an interaction.
  [[nodiscard]] bool is_header(const DataConfig& config) const {
    if (config.header != "auto") return config.header == "yes";
    if (config.format == "inter") return true;
    if (!number(config.user) && find(config.user, "user", kUserNames)) return true;
    if (!number(config.item) && find(config.item, "item", kItemNames)) return true;
    if (!config.event.empty() && !number(config.event)) return true;
    return first_.size() >= 3 && !finite_double(first_[2]) && !number(config.value) &&
           number(config.event) != 2U;
  }

  /// @param position used when there is no header and the setting is the default
  [[nodiscard]] std::size_t required(const std::string& setting, std::string_view key,
                                     Names aliases, bool header, std::size_t position) const {
    if (const auto column = number(setting)) return *column;
    if (!header) {
      if (setting == key) return position;
      if (first_.empty()) {
        throw DataError{fmt::format("{}: is empty, expected a header with column \"{}\" (data.{})",
                                    path_.string(), setting, key)};
      }
      throw ConfigError{
          fmt::format("data.{} = \"{}\" names a column, but {} has no header; expected a number "
                      "from 1, or data.header = \"yes\"",
                      key, setting, path_.string())};
    }
    if (const auto column = find(setting, key, aliases)) return *column;
    throw DataError{fmt::format("{}:1: no column \"{}\" (data.{}); the columns are: {}",
                                path_.string(), setting, key, fmt::join(first_, ", "))};
  }

  [[nodiscard]] std::optional<std::size_t> optional(const std::string& setting,
                                                    std::string_view key, Names aliases,
                                                    bool header, std::size_t position) const {
    if (setting.empty()) return std::nullopt;
    if (setting != "auto") return required(setting, key, aliases, header, position);
    if (header) return find("auto", "auto", aliases);
    return first_.size() > position ? std::optional{position} : std::nullopt;
  }

 private:
  /// A column given as a number from 1.
  static std::optional<std::size_t> number(const std::string& setting) {
    const auto value = canonical_integer(setting);
    if (!value || *value < 1 || *value > 100000) return std::nullopt;
    return static_cast<std::size_t>(*value - 1);
  }
  /// By name; by any of the aliases if the setting is the default.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view setting,
                                                std::string_view default_setting,
                                                Names aliases) const {
    const auto search = [&](std::string_view name) -> std::optional<std::size_t> {
      const auto found = std::find(names_.begin(), names_.end(), lower(name));
      if (found == names_.end()) return std::nullopt;
      return static_cast<std::size_t>(found - names_.begin());
    };
    if (setting != default_setting) return search(setting);
    for (const std::string_view alias : aliases) {
      if (const auto column = search(alias)) return column;
    }
    return std::nullopt;
  }

  std::filesystem::path path_;
  std::vector<std::string> first_;  // [column]
  std::vector<std::string> names_;  // [column] in lower case
};

bool has_recbole_header(const DataConfig& config, const Sample& sample) {
  if (config.format == "inter") return true;
  return config.format == "auto" && !sample.lines.empty() &&
         sample.lines.front().find(":token") != std::string_view::npos;
}

}  // namespace

std::string choose_delimiter(const std::string& configured, std::string_view line) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kNamed{
      {{"space", kBlanks}, {"tab", "\t"}, {"comma", ","}, {"semicolon", ";"}}};
  for (const auto& [name, text] : kNamed) {
    if (configured == name) return std::string{text};
  }
  if (configured != "auto") return configured;
  if (line.find("::") != std::string_view::npos) return "::";
  if (line.find('\t') != std::string_view::npos) return "\t";
  const auto commas = std::count(line.begin(), line.end(), ',');
  const auto semicolons = std::count(line.begin(), line.end(), ';');
  if (commas == 0 && semicolons == 0) return std::string{kBlanks};
  return commas >= semicolons ? "," : ";";
}

TextLayout detect_layout(const std::filesystem::path& path, const DataConfig& config) {
  const Sample sample = read_sample(path);
  TextLayout layout;
  layout.delimiter =
      choose_delimiter(config.delimiter, sample.lines.empty() ? "" : sample.lines.front());
  layout.kind = choose_kind(config.format, sample, layout);
  if (layout.kind == TextLayout::Kind::lists) {
    if (config.event.empty()) return layout;
    throw ConfigError{fmt::format("data.columns.event = \"{}\", but {} holds lists of items",
                                  config.event, path.string())};
  }
  if (layout.kind == TextLayout::Kind::quoted && layout.delimiter.size() != 1) {
    throw ConfigError{
        fmt::format("data.format = \"csv\" needs a delimiter of one character, found \"{}\"",
                    layout.delimiter)};
  }
  const Columns columns{path, first_fields(sample, layout), has_recbole_header(config, sample)};
  layout.header = !sample.lines.empty() && columns.is_header(config);
  layout.user = columns.required(config.user, "user", kUserNames, layout.header, 0);
  layout.item = columns.required(config.item, "item", kItemNames, layout.header, 1);
  if (!config.event.empty())
    layout.event = columns.required(config.event, "columns.event", {}, layout.header, 0);
  const auto unless_event = [&](std::optional<std::size_t> column, const std::string& setting) {
    return column && column == layout.event && setting == "auto" ? std::nullopt : column;
  };
  layout.value = unless_event(
      columns.optional(config.value, "value", kValueNames, layout.header, 2), config.value);
  layout.time = unless_event(columns.optional(config.time, "time", kTimeNames, layout.header, 3),
                             config.time);
  return layout;
}

std::string describe(const TextLayout& layout) {
  if (layout.kind == TextLayout::Kind::lists) return "one list of items per user";
  const std::string delimiter = layout.delimiter == kBlanks ? "blanks"
                                : layout.delimiter == "\t"  ? "tabs"
                                                            : '"' + layout.delimiter + '"';
  const auto column = [](const char* name, std::optional<std::size_t> n) {
    return n ? fmt::format(", {} {}", name, *n + 1) : fmt::format(", no {}", name);
  };
  return fmt::format("{}separated by {}{}{}{}{}{}{}",
                     layout.kind == TextLayout::Kind::quoted ? "csv with quotes, " : "", delimiter,
                     layout.header ? ", header" : ", no header", column("user", layout.user),
                     column("item", layout.item), column("value", layout.value),
                     column("time", layout.time),
                     layout.event ? column("event", layout.event) : std::string{});
}

}  // namespace factorps
