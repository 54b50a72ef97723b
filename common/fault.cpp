#include "common/fault.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <functional>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/nearest_name.hpp"

namespace factorps {
namespace {

using Names = std::vector<std::string_view>;

constexpr std::array<std::string_view, 8> kPhases{"begin",  "writing", "written", "manifest",
                                                  "rename", "prune",   "load",    "model"};
constexpr std::array<std::pair<std::string_view, int>, 4> kErrors{
    {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}}};

struct ActionRule {
  std::string_view name;
  FaultAction action;
  Names places;   ///< exactly one of these keys, `epoch` besides `cell`
  Names details;  ///< any of these
};

const std::vector<ActionRule>& rules() {
  static const Names kWhere{"epoch", "cell", "checkpoint", "seconds"};
  static const std::vector<ActionRule> kRules{
      {"kill", FaultAction::kill, kWhere, {"rank", "nth"}},
      {"freeze", FaultAction::freeze, kWhere, {"rank", "nth"}},
      {"fail", FaultAction::fail, {"write", "sync", "rename"}, {"rank", "path", "error"}},
      {"fill", FaultAction::fill, {"bytes"}, {"rank", "path"}},
      {"flip", FaultAction::flip, {"path"}, {"rank", "byte", "bit", "nth"}},
      {"truncate", FaultAction::truncate, {"path"}, {"rank", "bytes", "nth"}},
      {"delay", FaultAction::delay, {"looks"}, {"seed"}},
      {"drop", FaultAction::drop, {"nth", "share"}, {"seed", "tag", "from", "to"}}};
  return kRules;
}

/// One fault while it is read.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_{text} {}

  Fault read() {
    std::string_view rest = text_;
    const std::string_view name = next_word(rest);
    const ActionRule& rule = rule_of(name);
    fault_.text = text_;
    fault_.action = rule.action;
    std::size_t places = 0;
    Names seen;
    for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      check_key(rule, key);
      if (equals == std::string_view::npos) fail(fmt::format("expected {}=VALUE", key));
      if (std::ranges::count(seen, key) > 0) fail(fmt::format("has {} twice", key));
      seen.push_back(key);
      if (std::ranges::count(rule.places, key) > 0) ++places;
      set(key, word.substr(equals + 1));
    }
    const bool cell_of_epoch = fault_.epoch && fault_.cell && places == 2;
    if (places != 1 && !cell_of_epoch) {
      fail(fmt::format("expected one of {}", fmt::join(rule.places, ", ")));
    }
    if (fault_.action == FaultAction::fill || fault_.error == 0) {
      fault_.error = fault_.action == FaultAction::fill ? ENOSPC : EIO;
    }
    return std::move(fault_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError{fmt::format("fault \"{}\": {}", text_, what)};
  }

  static std::string_view next_word(std::string_view& rest) {
    const std::size_t begin = std::min(rest.find_first_not_of(" \t"), rest.size());
    const std::size_t end = std::min(rest.find_first_of(" \t", begin), rest.size());
    const std::string_view word = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
    return word;
  }

  [[nodiscard]] const ActionRule& rule_of(std::string_view name) const {
    Names names;
    for (const ActionRule& rule : rules()) {
      if (rule.name == name) return rule;
      names.push_back(rule.name);
    }
    const auto nearest = nearest_name(name, names);
    fail(fmt::format("expected {}", nearest ? std::string{*nearest}
                                            : fmt::format("one of {}", fmt::join(names, ", "))));
  }

  void check_key(const ActionRule& rule, std::string_view key) const {
    Names known = rule.places;
    known.insert(known.end(), rule.details.begin(), rule.details.end());
    if (std::ranges::count(known, key) > 0) return;
    fail(fmt::format("{} is no key of {}; expected one of {}", key, rule.name,
                     fmt::join(known, ", ")));
  }

  template <class Number>
  [[nodiscard]] Number number(std::string_view key, std::string_view text, Number least) const {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= least)) {
      fail(fmt::format("{} = {}, expected a number of at least {}", key, text, least));
    }
    return value;
  }

  template <class Value>
  [[nodiscard]] Value chosen(std::string_view key, std::string_view text,
                             std::span<const std::pair<std::string_view, Value>> choices) const {
    Names names;
    for (const auto& [name, value] : choices) {
      if (name == text) return value;
      names.push_back(name);
    }
    fail(fmt::format("{} = {}, expected one of {}", key, text, fmt::join(names, ", ")));
  }

  void operate(FileOperation operation, std::string_view key, std::string_view value) {
    fault_.operation = operation;
    fault_.nth = number<std::uint64_t>(key, value, 1);
  }

  void set(std::string_view key, std::string_view value) {
    if (key == "rank") fault_.rank = number(key, value, 0);
    if (key == "nth") fault_.nth = number<std::uint64_t>(key, value, 1);
    if (key == "seconds") fault_.seconds = number(key, value, 0.0);
    if (key == "epoch") fault_.epoch = number<std::uint64_t>(key, value, 1);
    if (key == "cell") fault_.cell = number<std::uint64_t>(key, value, 1);
    if (key == "checkpoint") fault_.checkpoint = phase(key, value);
    if (key == "write") operate(FileOperation::write, key, value);
    if (key == "sync") operate(FileOperation::sync, key, value);
    if (key == "rename") operate(FileOperation::rename, key, value);
    if (key == "path") fault_.path = value;
    if (key == "path" && value.empty()) fail("path is empty");
    if (key == "error") fault_.error = chosen<int>(key, value, kErrors);
    if (key == "bytes") fault_.bytes = number<std::uint64_t>(key, value, 0);
    if (key == "byte") fault_.byte = number<std::uint64_t>(key, value, 0);
    if (key == "bit") fault_.bit = number<std::uint64_t>(key, value, 0) % 8;
    if (key == "looks") fault_.looks = number<std::uint64_t>(key, value, 1);
    if (key == "seed") fault_.seed = number<std::uint64_t>(key, value, 0);
    if (key == "share") fault_.share = number(key, value, 0.0);
    if (key == "tag") fault_.tag = value;
    if (key == "from") fault_.from = number(key, value, 0);
    if (key == "to") fault_.to = number(key, value, 0);
  }

  [[nodiscard]] CheckpointPhase phase(std::string_view key, std::string_view value) const {
    std::array<std::pair<std::string_view, CheckpointPhase>, kPhases.size()> choices;
    for (std::size_t n = 0; n < kPhases.size(); ++n) {
      choices[n] = {kPhases[n], static_cast<CheckpointPhase>(n)};
    }
    return chosen<CheckpointPhase>(key, value, choices);
  }

  std::string_view text_;
  Fault fault_;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t\n") + 1);
}

}  // namespace

Fault parse_fault(std::string_view text) { return Reader{trimmed(text)}.read(); }

std::vector<Fault> parse_faults(std::string_view text) {
  std::vector<Fault> faults;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view one = trimmed(text.substr(0, end));
    if (!one.empty()) faults.push_back(parse_fault(one));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return faults;
}

std::string_view name_of(CheckpointPhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

}  // namespace factorps
