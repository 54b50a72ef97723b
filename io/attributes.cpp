#include "io/attributes.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/hash.hpp"

namespace factorps {
namespace {

constexpr std::array kKinds{AttributeKind::category, AttributeKind::tags, AttributeKind::number};

std::string group_of(const std::string& table) { return table + "/attributes"; }

template <class T>
void write_sealed(h5::File& file, const std::string& name, std::span<const T> values) {
  file.write(name, {values.size()}, values);
  file.set(name, "checksum", checksum(std::as_bytes(values)));
}

/// The objects of one attribute in a file.
class Reader {
 public:
  Reader(const h5::MappedFile& map, std::string group) : map_{map}, group_{std::move(group)} {}

  [[nodiscard]] AttributeKind kind() const {
    const std::string found = map_.file().text(group_, "kind");
    for (const AttributeKind kind : kKinds) {
      if (found == kind_name(kind)) return kind;
    }
    throw DataError{
        fmt::format("{}: attribute 'kind' of {} is '{}', expected category, tags or number", path(),
                    group_, found)};
  }
  template <class T>
  [[nodiscard]] std::span<const T> column(const char* name) const {
    const std::string object = group_ + '/' + name;
    const auto view = map_.view<T>(object);
    if (map_.file().natural(object, "checksum") != checksum(std::as_bytes(view)))
      fail(name, "checksum does not match: the file is damaged");
    return view;
  }
  [[nodiscard]] std::span<const std::uint64_t> boundaries(const char* name,
                                                          std::uint64_t end) const {
    const auto begin = column<std::uint64_t>(name);
    if (begin.empty() || begin.front() != 0 || begin.back() != end ||
        !std::is_sorted(begin.begin(), begin.end()))
      fail(name, fmt::format("expected ascending boundaries from 0 to {}", end));
    return begin;
  }
  void expect_rows(const char* name, std::uint64_t found, std::uint64_t expected) const {
    if (found != expected) fail(name, fmt::format("has {} elements, expected {}", found, expected));
  }
  [[noreturn]] void fail(const char* name, const std::string& what) const {
    throw DataError{fmt::format("{}: {}/{}: {}", path(), group_, name, what)};
  }

 private:
  [[nodiscard]] std::string path() const { return map_.file().path().string(); }

  const h5::MappedFile& map_;
  std::string group_;
};

std::vector<std::string> read_values(const Reader& in) {
  const auto bytes = in.column<char>("value_bytes");
  const auto begin = in.boundaries("value_offsets", bytes.size());
  std::vector<std::string> values;
  values.reserve(begin.size() - 1);
  for (std::size_t n = 0; n + 1 < begin.size(); ++n) {
    values.emplace_back(bytes.data() + begin[n], begin[n + 1] - begin[n]);
    if (values[n].empty() || (n > 0 && values[n] <= values[n - 1]))
      in.fail("value_offsets", "expected distinct texts in ascending order, none empty");
  }
  return values;
}

void read_codes(const Reader& in, std::uint64_t rows, Attribute& attribute) {
  const auto codes = in.column<std::uint32_t>("codes");
  const auto offsets = in.boundaries("offsets", codes.size());
  in.expect_rows("offsets", offsets.size(), rows + 1);
  attribute.codes.assign(codes.begin(), codes.end());
  attribute.offsets.assign(offsets.begin(), offsets.end());
  const std::size_t most = attribute.kind == AttributeKind::category ? 1 : codes.size();
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto own = attribute.codes_of(row);
    const bool ascending =
        std::adjacent_find(own.begin(), own.end(), std::greater_equal<>{}) == own.end();
    if (own.size() > most || !ascending || (!own.empty() && own.back() >= attribute.values.size()))
      in.fail("codes", fmt::format("row {}: expected at most {} ascending numbers below {}", row,
                                   most, attribute.values.size()));
  }
}

}  // namespace

const char* kind_name(AttributeKind kind) noexcept {
  switch (kind) {
    case AttributeKind::category:
      return "category";
    case AttributeKind::tags:
      return "tags";
    case AttributeKind::number:
      return "number";
  }
  return "";
}

bool Attribute::known(std::uint64_t row) const {
  return kind == AttributeKind::number ? !std::isnan(numbers[row]) : !codes_of(row).empty();
}

std::uint64_t Attribute::known_rows() const {
  std::uint64_t count = 0;
  for (std::uint64_t row = 0; row < rows(); ++row) count += known(row) ? 1U : 0U;
  return count;
}

std::string problem_of_attribute_name(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name == ".") return "is not possible";
  const bool bad = std::ranges::any_of(
      name, [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20; });
  return bad ? "holds '/' or a control character" : "";
}

void write_attribute(h5::File& file, const std::string& table, const Attribute& attribute) {
  const std::string group = group_of(table) + '/' + attribute.name;
  file.create_group(group);
  file.set(group, "kind", std::string_view{kind_name(attribute.kind)});
  if (attribute.kind == AttributeKind::number)
    return write_sealed(file, group + "/numbers", std::span{attribute.numbers});
  std::vector<std::uint64_t> begin{0};
  std::string bytes;
  for (const std::string& value : attribute.values) {
    bytes += value;
    begin.push_back(bytes.size());
  }
  write_sealed(file, group + "/value_offsets", std::span<const std::uint64_t>{begin});
  write_sealed(file, group + "/value_bytes", std::span<const char>{bytes});
  write_sealed(file, group + "/offsets", std::span{attribute.offsets});
  write_sealed(file, group + "/codes", std::span{attribute.codes});
}

std::vector<std::string> attribute_names(const h5::File& file, const std::string& table) {
  if (!file.exists(group_of(table))) return {};
  return file.members(group_of(table));
}

Attribute read_attribute(const h5::MappedFile& map, const std::string& table,
                         const std::string& name, std::uint64_t rows) {
  const Reader in{map, group_of(table) + '/' + name};
  Attribute attribute;
  attribute.name = name;
  attribute.kind = in.kind();
  if (attribute.kind != AttributeKind::number) {
    attribute.values = read_values(in);
    read_codes(in, rows, attribute);
    return attribute;
  }
  const auto numbers = in.column<float>("numbers");
  in.expect_rows("numbers", numbers.size(), rows);
  if (std::ranges::any_of(numbers, [](float x) { return std::isinf(x); }))
    in.fail("numbers", "expected finite numbers, and NaN where there is none");
  attribute.numbers.assign(numbers.begin(), numbers.end());
  return attribute;
}

}  // namespace factorps
