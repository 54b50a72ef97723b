#include "apps/user_file.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string_view>
#include <unordered_set>

#include <fmt/core.h>

#include "apps/text_output.hpp"
#include "common/error.hpp"
#include "io/json_text.hpp"
#include "io/text/number.hpp"

namespace factorps::apps {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    fields.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  fields.push_back(line);
  return fields;
}

/// Reads line after line; what is wrong with one is thrown with its number.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : in_{path} {
    file_.path = path;
    if (std::filesystem::is_directory(path) || !in_) {
      throw DataError{
          fmt::format("{}: cannot read, expected a file of evaluate --per-user", path.string())};
    }
  }

  UserFile read() {
    next();
    read_head();
    if (!next()) fail("no line of column names");
    find_columns();
    while (next()) read_user();
    if (in_.bad()) fail("cannot read the rest");
    return std::move(file_);
  }

 private:
  bool next() {
    ++number_;
    if (!std::getline(in_, line_)) return false;
    if (line_.ends_with('\r')) line_.pop_back();
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw DataError{fmt::format("{}:{}: {}", file_.path.string(), number_, what)};
  }

  void read_head() {
    const Json head = parse_ordered_json(line_.starts_with("# ") ? line_.substr(2) : "");
    const auto is = [&](const char* key, auto test) {
      return head.is_object() && head.contains(key) && test(head[key]);
    };
    if (!is("predictor", [](const Json& j) { return j.is_string(); }) ||
        !is("protocol", [](const Json& j) { return j.is_object(); }) ||
        !is("metrics", [](const Json& j) {
          return j.is_array() &&
                 std::ranges::all_of(j, [](const Json& name) { return name.is_string(); });
        })) {
      fail("expected '# ' and the protocol, as evaluate --per-user writes them");
    }
    file_.predictor = head["predictor"].get<std::string>();
    file_.protocol = head["protocol"];
    file_.metrics = head["metrics"].get<std::vector<std::string>>();
  }

  void find_columns() {
    const auto names = split(line_);
    num_columns_ = names.size();
    if (names.front() != "user") fail(fmt::format("column '{}', expected user", names.front()));
    for (const std::string& metric : file_.metrics) {
      const auto place = std::ranges::find(names, metric);
      if (place == names.end()) fail(fmt::format("no column {}, which line 1 names", metric));
      columns_.push_back(static_cast<std::size_t>(place - names.begin()));
    }
  }

  void read_user() {
    const auto fields = split(line_);
    if (fields.size() != num_columns_) {
      fail(fmt::format("{} columns, expected {}", fields.size(), num_columns_));
    }
    auto user = from_tsv_field(fields.front());
    if (!user) fail(fmt::format("user '{}', expected \\t, \\n, \\r or \\\\ at each \\", fields[0]));
    if (!seen_.insert(*user).second) fail(fmt::format("user '{}' a second time", fields[0]));
    file_.users.push_back(std::move(*user));
    for (const std::size_t column : columns_) file_.values.push_back(value_of(fields[column]));
  }

  [[nodiscard]] double value_of(std::string_view field) const {
    if (field.empty()) return std::numeric_limits<double>::quiet_NaN();
    const auto value = finite_double(field);
    if (!value) fail(fmt::format("'{}', expected a number", field));
    return *value;
  }

  std::ifstream in_;
  UserFile file_;
  std::string line_;
  std::uint64_t number_ = 0;
  std::size_t num_columns_ = 0;
  std::vector<std::size_t> columns_;  // [metric]
  std::unordered_set<std::string> seen_;
};

}  // namespace

std::string user_file_head(const Json& predictor, const Json& protocol,
                           const std::vector<std::string>& metrics) {
  Json shared = protocol;
  shared.erase("dataset");  // its fingerprint says what it is
  shared.erase("segments");
  shared.erase("segments_by");
  shared.erase("cold");  // of what the predictor knows
  const Json head{{"predictor", predictor}, {"protocol", shared}, {"metrics", metrics}};
  return "# " + head.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

UserFile read_user_file(const std::filesystem::path& path) { return Reader{path}.read(); }

}  // namespace factorps::apps
