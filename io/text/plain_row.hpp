/// The quick path for the usual line: integer ids, a short decimal, nothing else to think about.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace factorps {

/// user, item, value, time of one line.
struct PlainRow {
  std::int64_t user = 0;
  std::int64_t item = 0;
  float value = 1;
  std::int64_t time = 0;
};

namespace detail {

/// A canonical integer (io/text/number.hpp) of at most 18 digits.
inline bool plain_integer(const char*& p, std::int64_t& value) noexcept {
  const bool negative = *p == '-';
  p += negative;
  const char* const first = p;
  std::uint64_t digits = 0;
  for (unsigned digit = 0; (digit = static_cast<unsigned char>(*p) - 48U) < 10; ++p) {
    digits = digits * 10 + digit;
  }
  const auto length = p - first;
  if (length == 0 || length > 18 || (*first == '0' && (length > 1 || negative))) return false;
  value = negative ? -static_cast<std::int64_t>(digits) : static_cast<std::int64_t>(digits);
  return true;
}

/// A decimal of few digits. Exactly rounded: mantissa and power of ten are floats, and one
/// division of floats is (IEEE 754); Clinger, "How to read floating point numbers accurately",
/// 1990.
inline bool plain_decimal(const char*& p, float& value) noexcept {
  constexpr std::array<float, 8> kPowers{1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F};
  const bool negative = *p == '-';
  p += negative;
  const char* const first = p;
  std::uint32_t mantissa = 0;
  const auto digits = [&] {
    for (unsigned digit = 0; (digit = static_cast<unsigned char>(*p) - 48U) < 10; ++p) {
      mantissa = mantissa * 10 + digit;
    }
  };
  digits();
  auto length = p - first;
  std::size_t decimals = 0;
  if (*p == '.') {
    const char* const point = p++;
    digits();
    decimals = static_cast<std::size_t>(p - point - 1);
    if (decimals == 0) return false;
    length = p - first - 1;
  }
  if (length == 0 || length > 7) return false;  // 7 digits are below 2^24
  const float magnitude = static_cast<float>(mantissa) / kPowers[decimals];
  value = negative ? -magnitude : magnitude;
  return true;
}

}  // namespace detail

/// Which fields a plain line has, in this order, from its start.
struct PlainColumns {
  char delimiter = ',';
  bool value = true;
  bool time = false;
};

/// Reads the line at `p`. @param end one past the last byte, which is a line end
/// @return the start of the next line; nullptr for every line that needs a closer look
inline const char* read_plain_row(const char* p, const char* end, const PlainColumns& columns,
                                  PlainRow& row) noexcept {
  if (!detail::plain_integer(p, row.user) || *p++ != columns.delimiter) return nullptr;
  if (!detail::plain_integer(p, row.item)) return nullptr;
  if (columns.value && (*p++ != columns.delimiter || !detail::plain_decimal(p, row.value)))
    return nullptr;
  if (columns.time && (*p++ != columns.delimiter || !detail::plain_integer(p, row.time)))
    return nullptr;
  if (*p == '\n') return p + 1;
  if (*p == columns.delimiter) {  // further columns that nobody asked for
    const auto left = static_cast<std::size_t>(end - p);
    return static_cast<const char*>(std::memchr(p, '\n', left)) + 1;
  }
  return *p == '\r' && p[1] == '\n' ? p + 2 : nullptr;
}

}  // namespace factorps
