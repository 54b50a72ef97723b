#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <toml++/toml.h>

#include "common/error.hpp"
#include "common/nearest_name.hpp"
#include "io/config_problems.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kColumns = "data.columns";

/// What is shown of a value in a message.
std::string shown(const toml::node& node) {
  if (node.is_table()) return "a table";
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  std::string text = out.str();
  constexpr std::size_t kLongest = 60;
  if (text.size() > kLongest) text.replace(kLongest, std::string::npos, "...");
  return text;
}

/// A table's entries in the order of the file, so that problems are reported in that order.
std::vector<std::pair<std::string, const toml::node*>> in_file_order(const toml::table& table) {
  std::vector<std::pair<std::string, const toml::node*>> entries;
  for (const auto& [name, node] : table) entries.emplace_back(name.str(), &node);
  std::ranges::stable_sort(entries, {}, [](const auto& entry) {
    const toml::source_position& begin = entry.second->source().begin;
    return std::pair{begin.line, begin.column};
  });
  return entries;
}

/// Quotes the integer beyond 64 bits that an error is about: parsing can go on, and the key is
/// refused like any other value that does not fit. @return whether there is one
bool quote_large_integer(std::string& text, const toml::parse_error& error) {
  const std::string_view about = error.description();
  const std::size_t end = about.find("' is not representable in 64 bits");
  if (end == std::string_view::npos) return false;
  const std::size_t begin = about.rfind('\'', end - 1) + 1;
  const std::string_view number = about.substr(begin, end - begin);
  std::size_t line = 0;
  for (auto n = error.source().begin.line; n > 1; --n) line = text.find('\n', line) + 1;
  std::size_t at = text.find(number, line);
  // What stands in quotes is the text of another key (or of this one, from the last time).
  constexpr std::string_view kQuotes = "\"'";
  while (at != std::string::npos && at > 0 && kQuotes.find(text[at - 1]) != std::string_view::npos)
    at = text.find(number, at + number.size());
  if (number.empty() || at > text.find('\n', line)) return false;
  text.replace(at, number.size(), fmt::format("\"{}\"", number));
  return true;
}

/// Stores a TOML value in the bound member. @return whether its type fits
class Assign {
 public:
  Assign(const toml::node& node, const Rule& rule, const fs::path& base)
      : node_{node}, rule_{rule}, base_{base} {}

  bool operator()(bool* x) const { return store(node_.value_exact<bool>(), x); }
  bool operator()(std::int64_t* x) const { return store(node_.value_exact<std::int64_t>(), x); }
  bool operator()(std::uint64_t* x) const {
    const auto value = node_.value_exact<std::int64_t>();
    if (!value || *value < 0) return false;
    *x = static_cast<std::uint64_t>(*value);
    return true;
  }
  bool operator()(double* x) const { return store(number(), x); }
  bool operator()(std::optional<double>* x) const {
    *x = number();
    return x->has_value();
  }
  bool operator()(std::string* x) const {
    if (store(node_.value_exact<std::string>(), x)) return true;
    const bool plain = node_.is_number() || node_.is_date() || node_.is_date_time();
    if (!rule_.plain || !plain) return false;
    *x = shown(node_);
    return true;
  }
  bool operator()(fs::path* x) const { return store(file_name(node_), x); }
  bool operator()(std::vector<fs::path>* x) const {
    x->clear();
    const toml::array* array = node_.as_array();
    if (array == nullptr) return append(node_, *x);
    return std::ranges::all_of(*array, [&](const toml::node& item) { return append(item, *x); });
  }
  bool operator()(std::vector<std::string>* x) const {
    const toml::table* table = rule_.pairs ? node_.as_table() : nullptr;
    return table == nullptr ? store_list(x) : store_pairs(*table, x);
  }
  bool operator()(std::vector<std::int64_t>* x) const { return store_list(x); }

 private:
  template <class T>
  static bool store(std::optional<T> value, T* x) {
    if (value) *x = std::move(*value);
    return value.has_value();
  }
  template <class T>
  bool store_list(std::vector<T>* x) const {
    x->clear();
    const auto append = [x](const toml::node& item) {
      const auto value = item.value_exact<T>();
      if (value) x->push_back(*value);
      return value.has_value();
    };
    const toml::array* array = node_.as_array();
    return array == nullptr ? append(node_) : std::ranges::all_of(*array, append);
  }
  static bool store_pairs(const toml::table& table, std::vector<std::string>* x) {
    x->clear();
    for (const auto& [name, node] : in_file_order(table)) {
      if (!node->is_number()) return false;
      x->push_back(fmt::format("{}={}", name, *node->value<double>()));
    }
    return true;
  }
  std::optional<double> number() const {
    return node_.is_number() ? node_.value<double>() : std::nullopt;
  }
  std::optional<fs::path> file_name(const toml::node& node) const {
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) return std::nullopt;
    return (base_ / *text).lexically_normal();
  }
  bool append(const toml::node& item, std::vector<fs::path>& paths) const {
    const auto path = file_name(item);
    if (path) paths.push_back(*path);
    return path.has_value();
  }

  const toml::node& node_;
  const Rule& rule_;
  const fs::path& base_;
};

class Loader {
 public:
  explicit Loader(const fs::path& file)
      : problems_{file.string()}, fields_{config_fields(config_)}, file_{file.string()} {
    for (const Field& field : fields_) keys_.push_back(field.key);
  }

  void read_file() {
    const toml::table table = parse_file();
    base_ = fs::absolute(file_).parent_path();
    for (const auto& [name, node] : in_file_order(table)) {
      place_ = place_of(*node);
      read_section(name, *node);
    }
  }

  void assign(const std::string& assignment) {
    base_ = fs::current_path();
    place_ = "--set";
    const std::size_t equals = assignment.find('=');
    const std::string key = assignment.substr(0, equals);
    if (equals == std::string::npos || equals == 0) {
      problems_.add(fmt::format("--set {}: expected section.key=value", assignment));
      return;
    }
    const toml::table table = parse_value(key, assignment.substr(equals + 1));
    read_key(key, table.begin()->second);
  }

  Config finish(const fs::path& base) {
    complete_and_check(config_, problems_);
    problems_.throw_if_any();
    for (fs::path* path : {&config_.data.dataset, &config_.run.dir})  // defaults are relative
      *path = (base / *path).lexically_normal();
    return std::move(config_);
  }

 private:
  toml::table parse_file() const {
    std::error_code ignored;
    if (fs::is_directory(file_, ignored))
      throw ConfigError{file_ + ": is a directory, expected a configuration file"};
    std::ifstream in{file_, std::ios::binary};
    if (!in)
      throw ConfigError{fmt::format("{}: cannot read the configuration: {}", file_,
                                    std::generic_category().message(errno))};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    for (;;) {
      try {
        return toml::parse(text, file_);
      } catch (const toml::parse_error& error) {
        if (quote_large_integer(text, error)) continue;
        throw ConfigError{
            fmt::format("{}:{}: {}", file_, error.source().begin.line, error.description())};
      }
    }
  }

  /// Whether a value says of itself what it is.
  static bool is_marked(const toml::node& value) {
    return value.is_string() || value.is_array() || value.is_table();
  }

  /// Text keys take what was typed, unless it is a quoted string, a list or a table; others take
  /// TOML, else text.
  toml::table parse_value(const std::string& key, const std::string& typed) const {
    const auto field = std::ranges::find(fields_, key, &Field::key);
    const bool text =
        field != fields_.end() && (std::holds_alternative<std::string*>(field->value) ||
                                   std::holds_alternative<fs::path*>(field->value));
    try {
      toml::table table = toml::parse("value = " + typed);
      if (table.size() == 1 && (!text || is_marked(table.begin()->second))) return table;
    } catch (const toml::parse_error&) {
      // not TOML: it is text
    }
    return toml::table{{"value", typed}};
  }

  std::string place_of(const toml::node& node) const {
    return fmt::format("{}:{}", file_, node.source().begin.line);
  }

  void read_section(const std::string& name, const toml::node& node) {
    std::vector<std::string_view> names;
    for (const Section& section : config_sections()) names.push_back(section.name);
    const toml::table* table = node.as_table();
    if (table == nullptr) return unknown_key(name);
    if (std::ranges::count(names, name) == 0) {
      const auto nearest = nearest_name(name, names);
      return problems_.add(fmt::format(
          "{}: unknown section [{}]: expected {}", place_, name,
          nearest ? fmt::format("[{}]", *nearest) : fmt::format("one of {}", listed(names))));
    }
    read_table(name, *table);
  }

  void read_table(const std::string& prefix, const toml::table& table) {
    for (const auto& [name, node] : in_file_order(table)) {
      place_ = place_of(*node);
      const std::string key = prefix + '.' + name;
      if (const toml::table* inner = node->as_table(); inner != nullptr && is_prefix(key))
        read_table(key, *inner);
      else
        read_key(key, *node);
    }
  }

  /// Whether keys go on after `key`, as after data.columns.
  [[nodiscard]] bool is_prefix(const std::string& key) const {
    return std::ranges::any_of(keys_, [&](auto name) { return name.starts_with(key + '.'); });
  }

  void read_key(const std::string& key, const toml::node& node) {
    if (key == kColumns) return read_columns(node);
    const auto field = std::ranges::find(fields_, key, &Field::key);
    if (field == fields_.end()) return unknown_key(key);
    problems_.set_place(key, place_);
    if (!std::visit(Assign{node, field->rule, base_}, field->value) || !obeys_rule(*field))
      problems_.add(key, shown(node), expectation(*field));
  }

  /// The columns as a list in the order user, item, value, time, event. What is left out is absent.
  void read_columns(const toml::node& node) {
    constexpr std::array names{"user", "item", "value", "time", "event"};
    const toml::array* list = node.as_array();
    if (list == nullptr || list->size() < 2 || list->size() > names.size()) {
      problems_.set_place(kColumns, place_);
      return problems_.add(kColumns, shown(node),
                           "a list of 2 to 5 columns: user, item, value, time, event");
    }
    const toml::value<std::string> absent{""};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const toml::node& column = i < list->size() ? *list->get(i) : absent;
      read_key(fmt::format("{}.{}", kColumns, names[i]), column);
    }
  }

  void unknown_key(const std::string& key) {
    problems_.add(fmt::format("{}: unknown key {}: expected {}", place_, key, suggestion(key)));
  }

  std::string suggestion(const std::string& key) const {
    if (const auto nearest = nearest_name(key, keys_)) return std::string{*nearest};
    const std::string_view name = std::string_view{key}.substr(key.rfind('.') + 1);
    std::vector<std::string_view> same_section;
    for (const Field& field : fields_) {
      if (field.name() == name) return std::string{field.key};  // the right key, misplaced
      if (key.starts_with(fmt::format("{}.", field.section())))
        same_section.push_back(field.name());
    }
    if (same_section.empty()) return "section.key, see docs/configuration.md";
    return fmt::format("one of {}", listed(same_section));
  }

  static std::string listed(const std::vector<std::string_view>& names) {
    std::string text;
    for (const std::string_view name : names)
      text += (text.empty() ? "" : ", ") + std::string{name};
    return text;
  }

  Config config_;
  ConfigProblems problems_;
  std::vector<Field> fields_;  // bound to config_
  std::vector<std::string_view> keys_;
  std::string file_;
  fs::path base_;      // of relative paths, at the moment
  std::string place_;  // of the key being read
};

}  // namespace

Config load_config(const fs::path& file, const std::vector<std::string>& assignments) {
  Loader loader{file};
  if (!file.empty()) loader.read_file();
  for (const std::string& assignment : assignments) loader.assign(assignment);
  return loader.finish(file.empty() ? fs::current_path() : fs::absolute(file).parent_path());
}

}  // namespace factorps
