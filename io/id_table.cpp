#include "io/id_table.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "io/text/number.hpp"

namespace factorps {
namespace {

/// The row whose key equals `wanted`, by binary search in `order`.
template <class Key, class KeyOf>
std::optional<std::uint64_t> search(const std::vector<std::uint64_t>& order, const Key& wanted,
                                    KeyOf key_of) {
  const auto found =
      std::lower_bound(order.begin(), order.end(), wanted,
                       [&](std::uint64_t row, const Key& key) { return key_of(row) < key; });
  if (found == order.end() || key_of(*found) != wanted) return std::nullopt;
  return *found;
}

template <class KeyOf>
void build_order(std::vector<std::uint64_t>& order, std::size_t rows, KeyOf key_of) {
  if (order.size() == rows) return;
  order.resize(rows);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::uint64_t a, std::uint64_t b) { return key_of(a) < key_of(b); });
}

void check_offsets(const std::vector<std::uint64_t>& offsets, std::size_t bytes,
                   const std::string& place) {
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != bytes ||
      !std::is_sorted(offsets.begin(), offsets.end())) {
    throw DataError{fmt::format("{}: expected ascending offsets from 0 to {}", place, bytes)};
  }
}

}  // namespace

IdTable IdTable::of_integers(std::vector<std::int64_t> ids) {
  IdTable table;
  table.integers_ = std::move(ids);
  return table;
}

IdTable IdTable::of_strings(std::vector<std::uint64_t> offsets, std::string bytes) {
  check_offsets(offsets, bytes.size(), "id offsets");
  IdTable table;
  table.is_integer_ = false;
  table.offsets_ = std::move(offsets);
  table.bytes_ = std::move(bytes);
  return table;
}

std::size_t IdTable::size() const noexcept {
  return is_integer_ ? integers_.size() : offsets_.size() - 1;
}

std::string_view IdTable::view(std::uint64_t row) const {
  const std::uint64_t begin = offsets_[row];
  return std::string_view{bytes_}.substr(begin, offsets_[row + 1] - begin);
}

std::string IdTable::text(std::uint64_t row) const {
  FACTORPS_CHECK(row < size());
  return is_integer_ ? std::to_string(integers_[row]) : std::string{view(row)};
}

std::optional<std::uint64_t> IdTable::find(std::string_view id) const {
  if (!is_integer_) {
    const auto key = [this](std::uint64_t row) { return view(row); };
    build_order(order_, size(), key);
    return search(order_, id, key);
  }
  const auto number = canonical_integer(id);
  if (!number) return std::nullopt;
  const auto key = [this](std::uint64_t row) { return integers_[row]; };
  build_order(order_, size(), key);
  return search(order_, *number, key);
}

IdTable IdTable::select(const std::vector<std::uint32_t>& rows) const {
  if (is_integer_) {
    std::vector<std::int64_t> ids;
    ids.reserve(rows.size());
    for (const std::uint32_t row : rows) ids.push_back(integers_[row]);
    return of_integers(std::move(ids));
  }
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (const std::uint32_t row : rows) {
    bytes += view(row);
    offsets.push_back(bytes.size());
  }
  return of_strings(std::move(offsets), std::move(bytes));
}

void IdTable::write(h5::File& file, const std::string& group) const {
  if (is_integer_) {
    file.write(group + "/ids", integers_);
    return;
  }
  file.write(group + "/id_offsets", offsets_);
  file.write(group + "/id_bytes", {bytes_.size()}, std::span<const char>{bytes_});
}

IdTable IdTable::read(const h5::File& file, const std::string& group) {
  if (file.exists(group + "/ids")) return of_integers(file.read<std::int64_t>(group + "/ids"));
  auto offsets = file.read<std::uint64_t>(group + "/id_offsets");
  const auto bytes = file.read<char>(group + "/id_bytes");
  check_offsets(offsets, bytes.size(), file.path().string() + ": " + group + "/id_offsets");
  return of_strings(std::move(offsets), std::string(bytes.begin(), bytes.end()));
}

}  // namespace factorps
