#include "io/prepare/attribute_files.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/prepare/attribute_columns.hpp"
#include "io/text/number.hpp"
#include "io/text/record_reader.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

/// Where the columns of one file stand.
struct Places {
  std::size_t all = 0;  ///< columns
  std::size_t id = 0;
  std::vector<std::size_t> categories;
  std::vector<std::size_t> tags;
  std::vector<std::size_t> numbers;
  std::vector<std::size_t> flags;
};

/// Column names of one file to places.
class Header {
 public:
  Header(const AttributeFilesConfig& files, const std::string& table, std::string where,
         std::vector<std::string> names)
      : files_{files}, table_{table}, where_{std::move(where)}, names_{std::move(names)} {}

  [[nodiscard]] Places places() const {
    return {names_.size(),
            files_.id.empty() ? 0 : place("id", files_.id),
            all("categories", files_.categories),
            all("tags", files_.tags),
            all("numbers", files_.numbers),
            all("flags", files_.flags)};
  }

 private:
  [[nodiscard]] std::size_t place(const char* key, const std::string& name) const {
    const auto found = std::ranges::find(names_, name);
    if (found == names_.end()) {
      throw DataError{fmt::format("{}: no column \"{}\" (attributes.{}.{}); the columns are: {}",
                                  where_, name, table_, key, fmt::join(names_, ", "))};
    }
    return static_cast<std::size_t>(found - names_.begin());
  }
  [[nodiscard]] std::vector<std::size_t> all(const char* key,
                                             const std::vector<std::string>& names) const {
    std::vector<std::size_t> places;
    for (const std::string& name : names) places.push_back(place(key, name));
    return places;
  }

  const AttributeFilesConfig& files_;
  const std::string& table_;
  std::string where_;
  std::vector<std::string> names_;  // [column]
};

/// Passes over the header, if there is one.
Places read_header(const AttributeFilesConfig& files, const std::string& table,
                   const fs::path& path, RecordReader& in) {
  const bool has_names = files.header == "auto" ? files.columns.empty() : files.header == "yes";
  if (has_names && !in.next())
    throw DataError{path.string() + ": is empty, expected a line with the names of the columns"};
  if (!files.columns.empty()) return Header{files, table, path.string(), files.columns}.places();
  return Header{files, table, in.place(), {in.fields().begin(), in.fields().end()}}.places();
}

/// Reads files one after the other.
class Reader {
 public:
  Reader(const AttributeFilesConfig& files, const std::string& table, const IdFinder& ids)
      : files_{files},
        table_{table},
        ids_{ids},
        first_(ids.table().size()),
        texts_(files.categories.size() + files.tags.size() + 1),
        numbers_(files.numbers.size(),
                 std::vector<float>(ids.table().size(), std::numeric_limits<float>::quiet_NaN())) {}

  void read(std::uint32_t file) {
    RecordReader in{files_.source[file], files_.delimiter};
    const Places places = read_header(files_, table_, files_.source[file], in);
    while (in.next()) {
      ++result_.counts.lines;
      const auto row = row_of(in, places);
      if (!row) {
        ++result_.counts.strangers;
      } else if (is_first(*row, file, in, places)) {
        add(*row, in, places);
      } else {
        ++result_.counts.repeated;
      }
    }
  }

  AttributeTable release() {
    std::size_t text = 0;
    for (const std::string& name : files_.categories) keep(text++, name, AttributeKind::category);
    for (const std::string& name : files_.tags) keep(text++, name, AttributeKind::tags);
    if (!files_.flags.empty()) keep(text, files_.flags_as, AttributeKind::tags);
    for (std::size_t n = 0; n < numbers_.size(); ++n) {
      result_.attributes.push_back(
          {files_.numbers[n], AttributeKind::number, {}, {}, {}, std::move(numbers_[n])});
    }
    std::ranges::sort(result_.attributes, {}, &Attribute::name);
    result_.counts.rows = ids_.table().size();
    for (const Line& line : first_) result_.counts.rows_without += line.number == 0 ? 1U : 0U;
    return std::move(result_);
  }

 private:
  /// The first line of a row.
  struct Line {
    std::uint64_t number = 0;  ///< 0: none yet
    std::uint64_t hash = 0;    ///< of the fields that are read
    std::uint32_t file = 0;
  };

  std::optional<std::uint64_t> row_of(const RecordReader& in, const Places& places) const {
    const auto& fields = in.fields();
    if (fields.size() != places.all) {
      throw DataError{
          fmt::format("{}: found {} fields, expected {}", in.place(), fields.size(), places.all)};
    }
    const std::string_view id = fields[places.id];
    if (id.empty())
      throw DataError{fmt::format("{}: the id (field {}) is empty", in.place(), places.id + 1)};
    return ids_.find(id);
  }

  /// @throws DataError if there is another line of the row that says something else
  bool is_first(std::uint64_t row, std::uint32_t file, const RecordReader& in,
                const Places& places) {
    std::string all;
    for (const auto* some : {&places.categories, &places.tags, &places.numbers, &places.flags}) {
      for (const std::size_t place : *some)
        all += fmt::format("{} {}", in.fields()[place].size(), in.fields()[place]);
    }
    const std::uint64_t hash = checksum(std::as_bytes(std::span{all}));
    Line& first = first_[row];
    if (first.number == 0) {
      first = {in.line(), hash, file};
      return true;
    }
    if (first.hash == hash) return false;
    throw DataError{fmt::format(
        "{}: says something else of \"{}\" than {}:{}, expected one line for "
        "each id",
        in.place(), in.fields()[places.id], files_.source[first.file].string(), first.number)};
  }

  void add(std::uint64_t row, const RecordReader& in, const Places& places) {
    std::size_t text = 0;
    for (const std::size_t place : places.categories) {
      if (const auto field = known(in, place)) texts_[text].add(row, *field);
      ++text;
    }
    for (const std::size_t place : places.tags) {
      for_each_tag(known(in, place).value_or(""), files_.tag_separator,
                   [&](std::string_view tag) { texts_[text].add(row, tag); });
      ++text;
    }
    for (std::size_t n = 0; n < places.flags.size(); ++n) {
      if (flag(in, places.flags[n])) texts_[text].add(row, files_.flags[n]);
    }
    for (std::size_t n = 0; n < places.numbers.size(); ++n) {
      if (known(in, places.numbers[n])) numbers_[n][row] = number(in, places.numbers[n]);
    }
  }

  [[nodiscard]] std::optional<std::string_view> known(const RecordReader& in,
                                                      std::size_t place) const {
    const std::string_view field = in.fields()[place];
    if (field.empty() || std::ranges::count(files_.missing, field) > 0) return std::nullopt;
    return field;
  }

  static float number(const RecordReader& in, std::size_t place) {
    const auto value = finite_float(in.fields()[place]);
    if (value) return *value + 0.0F;  // -0 becomes 0
    throw DataError{fmt::format("{}: field {} is \"{}\", expected a number", in.place(), place + 1,
                                in.fields()[place])};
  }

  [[nodiscard]] bool flag(const RecordReader& in, std::size_t place) const {
    const std::string_view field = known(in, place).value_or("0");
    if (field == "0" || field == "1") return field == "1";
    throw DataError{
        fmt::format("{}: field {} is \"{}\", expected 0 or 1", in.place(), place + 1, field)};
  }

  void keep(std::size_t text, const std::string& name, AttributeKind kind) {
    result_.attributes.push_back(texts_[text].release(name, kind, ids_.table().size()));
  }

  const AttributeFilesConfig& files_;
  const std::string& table_;
  const IdFinder& ids_;
  std::vector<Line> first_;                  // [row]
  std::vector<TextColumn> texts_;            // categories, then tags, then flags
  std::vector<std::vector<float>> numbers_;  // [number][row]
  AttributeTable result_;
};

}  // namespace

void check_attribute_files(const AttributeFilesConfig& files, const std::string& table) {
  for (const fs::path& path : files.source) {
    RecordReader in{path, files.delimiter};
    static_cast<void>(read_header(files, table, path, in));
  }
}

AttributeTable read_attribute_files(const AttributeFilesConfig& files, const std::string& table,
                                    const IdFinder& ids) {
  if (files.source.empty()) return {};
  Reader reader{files, table, ids};
  for (std::uint32_t file = 0; file < files.source.size(); ++file) reader.read(file);
  return reader.release();
}

}  // namespace factorps
