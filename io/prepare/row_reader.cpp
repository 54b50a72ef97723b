#include "io/prepare/row_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/text/block_reader.hpp"
#include "io/text/date_time.hpp"
#include "io/text/fields.hpp"
#include "io/text/number.hpp"
#include "io/text/plain_row.hpp"

namespace factorps {

/// Reads one segment into the reader's chunk.
class RowReader::Parser {
 public:
  Parser(RowReader& reader, const Segment& segment)
      : out_{reader},
        segment_{segment},
        layout_{segment.layout},
        skip_header_{segment.layout.header && segment.begin == 0} {}

  void run() {
    BlockReader blocks{open_source(segment_.path, segment_.begin, segment_.end)};
    bool first = segment_.begin == 0;
    const std::size_t rows_before = out_.rows();
    std::uint64_t bytes = 0;
    while (blocks.fill() && !out_.too_many_bad_rows()) {
      if (std::exchange(first, false) && blocks.window().starts_with("\xEF\xBB\xBF"))
        blocks.consume(3);
      const std::size_t used = layout_.kind == TextLayout::Kind::quoted
                                   ? parse_records(blocks.window())
                                   : parse_lines(blocks.window());
      blocks.consume(used);
      if (bytes == 0 && used > 0) reserve(used, out_.rows() - rows_before);
      bytes += used;
    }
    if (!blocks.window().empty() && !out_.too_many_bad_rows()) {
      bad("a quoted field does not end before the file does");
    }
  }

 private:
  /// Makes room for the whole of a plain segment, as its start predicts: columns that grow are
  /// copied, and their new pages cost more than the copy.
  void reserve(std::size_t bytes, std::size_t rows) {
    const std::uint64_t all = segment_.end - segment_.begin;
    if (segment_.end == std::numeric_limits<std::uint64_t>::max() || all <= bytes) return;
    const double rows_per_byte = static_cast<double>(rows) / static_cast<double>(bytes);
    const auto expected = [&](std::uint64_t text) {
      return static_cast<std::size_t>(1.05 * rows_per_byte * static_cast<double>(text));
    };
    const std::size_t total = std::max(out_.rows() + expected(all), expected(out_.bytes_));
    Rows& columns = out_.chunk_.rows;
    columns.users.reserve(total);
    columns.items.reserve(total);
    columns.values.reserve(total);
    if (out_.rules_.hold_time) columns.times.reserve(total);
  }

  /// @return bytes of the complete lines
  std::size_t parse_lines(std::string_view window) {
    const std::size_t last = window.rfind('\n');
    if (last == std::string_view::npos) return 0;
    const char* p = window.data();
    const char* const end = p + last + 1;
    if (std::exchange(skip_header_, false)) {
      p = next_line(p, end);
      ++line_;
    }
    const auto plain = plain_columns();
    while (p != end && !out_.too_many_bad_rows()) {
      PlainRow row;
      const char* next = plain ? read_plain_row(p, end, *plain, row) : nullptr;
      if (next != nullptr && in_range(row.value)) {
        add(out_.users_.add(row.user), out_.items_.add(row.item), row.value, row.time);
        ++out_.chunk_.lines;
      } else {
        next = next_line(p, end);
        parse_line({p, static_cast<std::size_t>(next - p - 1)});
      }
      ++line_;
      p = next;
    }
    return last + 1;
  }

  const char* next_line(const char* p, const char* end) {
    return static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))) + 1;
  }

  /// How to read this layout quickly, if that is possible.
  [[nodiscard]] std::optional<PlainColumns> plain_columns() const {
    const bool in_order = layout_.user == 0 && layout_.item == 1 &&
                          layout_.value.value_or(2) == 2 &&
                          (!out_.rules_.hold_time || (layout_.value && layout_.time == 3U));
    if (layout_.kind != TextLayout::Kind::delimited || layout_.delimiter.size() != 1 || !in_order ||
        layout_.event) {
      return std::nullopt;
    }
    return PlainColumns{layout_.delimiter.front(), layout_.value.has_value(),
                        out_.rules_.hold_time};
  }

  void parse_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) return;
    ++out_.chunk_.lines;
    split_fields(line, layout_.delimiter, fields_);
    if (layout_.kind == TextLayout::Kind::lists) return add_list();
    const bool quotes = layout_.delimiter == "," || layout_.delimiter == ";";
    for (const std::string_view field : fields_) {
      if (quotes && field.starts_with('"')) {
        bad("found a quoted field; expected none unless data.format = \"csv\"");
        return;
      }
    }
    add_fields();
  }

  /// @return bytes of the complete records
  std::size_t parse_records(std::string_view window) {
    std::size_t done = 0;
    while (!out_.too_many_bad_rows() &&
           read_csv_record(window.substr(done), layout_.delimiter.front(), record_)) {
      done += record_.bytes;
      fields_.assign(record_.fields.begin(), record_.fields.end());
      const bool empty = fields_.size() == 1 && fields_.front().empty();
      if (!std::exchange(skip_header_, false) && !empty) {
        ++out_.chunk_.lines;
        if (record_.malformed) {
          bad("found text after a closing quote");
        } else {
          add_fields();
        }
      }
      line_ += record_.lines;
    }
    return done;
  }

  void add_list() {
    const std::uint32_t user = out_.users_.add(fields_.front());
    for (const std::string_view item : std::span{fields_}.subspan(1))
      add(user, out_.items_.add(item), 1, 0);
  }

  void add_fields() {
    if (out_.rules_.drop_without_user && layout_.user < fields_.size() &&
        fields_[layout_.user].empty()) {
      ++out_.chunk_.skipped.no_user;
      return;
    }
    const auto user = field(layout_.user, "user");
    const auto item = field(layout_.item, "item");
    if (!user || !item) return;
    float value = 1;
    std::int64_t time = 0;
    if (layout_.value && !read_value(value)) return;
    if (out_.rules_.hold_time && layout_.time && !read_time(time)) return;
    if (layout_.event && !apply_event(value)) return;
    add(out_.users_.add(*user), out_.items_.add(*item), value, time);
  }

  /// A field that must be there and not be empty.
  std::optional<std::string_view> field(std::size_t column, const char* name) {
    if (column < fields_.size() && !fields_[column].empty()) return fields_[column];
    bad(column < fields_.size() ? fmt::format("the {} (field {}) is empty", name, column + 1)
                                : fmt::format("found {} fields, expected the {} in field {}",
                                              fields_.size(), name, column + 1));
    return std::nullopt;
  }

  bool read_value(float& value) {
    const auto text = field(*layout_.value, "value");
    if (!text) return false;
    const auto number = finite_float(*text);
    if (!number) return bad(fmt::format("value \"{}\", expected a finite number", *text));
    if (!in_range(*number)) {
      return bad(
          fmt::format("value {} is outside the range {} to {} of [clean]", *text,
                      out_.rules_.min_value ? fmt::format("{}", *out_.rules_.min_value) : "-inf",
                      out_.rules_.max_value ? fmt::format("{}", *out_.rules_.max_value) : "inf"));
    }
    value = *number;
    return true;
  }

  /// Multiplies the value by the weight of its event. @return whether the row counts
  bool apply_event(float& value) {
    const auto text = field(*layout_.event, "event");
    if (!text) return false;
    const auto& events = out_.rules_.events;
    const auto event = std::ranges::find(events, *text, &EventWeight::name);
    if (event == events.end()) {
      std::vector<std::string_view> names;
      for (const EventWeight& known : events) names.push_back(known.name);
      return bad(fmt::format("event \"{}\", expected one of {} (data.event_weights)", *text,
                             fmt::join(names, ", ")));
    }
    const float weighted = value * event->weight;
    if (!std::isfinite(weighted)) {
      return bad(
          fmt::format("value {} exceeds the range of float, times {}", value, event->weight));
    }
    value = weighted;
    if (event->weight == 0) ++out_.chunk_.skipped.weight_0;
    return event->weight != 0;
  }

  bool read_time(std::int64_t& time) {
    const auto text = field(*layout_.time, "time");
    if (!text) return false;
    const auto parsed = parse_time(*text);
    if (!parsed) {
      return bad(fmt::format("time \"{}\", expected unix seconds or an ISO date-time", *text));
    }
    time = *parsed;
    return true;
  }

  [[nodiscard]] bool in_range(float value) const {
    return !(out_.rules_.min_value && value < *out_.rules_.min_value) &&
           !(out_.rules_.max_value && value > *out_.rules_.max_value);
  }

  void add(std::uint32_t user, std::uint32_t item, float value, std::int64_t time) {
    Rows& rows = out_.chunk_.rows;
    rows.users.push_back(user);
    rows.items.push_back(item);
    rows.values.push_back(value + 0.0F);  // -0 becomes 0: equal values, equal bits
    if (out_.rules_.hold_time) rows.times.push_back(time);
  }

  /// Counts a bad row. @return false
  bool bad(const std::string& what) {
    BadRows& rows = out_.chunk_.bad;
    if (rows.count++ < BadRows::kShown) {
      const std::uint64_t before =
          segment_.begin == 0 ? 0 : count_lines(segment_.path, segment_.begin);
      rows.first.push_back(fmt::format("{}:{}: {}", segment_.path.string(), before + line_, what));
    }
    return false;
  }

  RowReader& out_;
  const Segment& segment_;
  const TextLayout& layout_;
  bool skip_header_;
  std::uint64_t line_ = 1;  // within the segment
  std::vector<std::string_view> fields_;
  CsvRecord record_;
};

void RowReader::read(const Segment& segment) { Parser{*this, segment}.run(); }

Chunk RowReader::release() {
  chunk_.users = users_.release();
  chunk_.items = items_.release();
  return std::move(chunk_);
}

}  // namespace factorps
