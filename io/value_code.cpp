#include "io/value_code.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace factorps {
namespace {

constexpr std::size_t kMost = 256;  // distinct values of one byte

/// The distinct values in ascending order, or more than kMost of them in any order.
std::vector<float> distinct_values(std::span<const float> values) {
  std::vector<float> distinct;
  std::array<float, 1024> recent{};  // values seen before, wherever their bits hash to
  recent.fill(std::numeric_limits<float>::quiet_NaN());
  for (const float value : values) {
    float& last = recent[(std::bit_cast<std::uint32_t>(value) * 0x9E3779B9U) >> 22];
    if (last == value) continue;
    last = value;
    const auto place = std::lower_bound(distinct.begin(), distinct.end(), value);
    if (place != distinct.end() && *place == value) continue;
    distinct.insert(place, value);
    if (distinct.size() > kMost) break;
  }
  return distinct;
}

/// The largest number of which every difference to the first is a multiple (Euclid; fmod is exact).
double common_step(const std::vector<float>& distinct) {
  double step = 0;
  for (const float value : distinct) {
    double rest = double{value} - double{distinct.front()};
    while (rest != 0) {
      step = std::fmod(step, rest);
      std::swap(step, rest);
    }
  }
  return step;
}

bool is_exact(const ValueCode& code, float value) {
  const ValueEncoder encode{code};
  if (!(encode.steps(value) < 255.5F)) return false;  // also if it is not a number
  return code.base + code.step * static_cast<float>(encode(value)) == value;
}

}  // namespace

ValueCode choose_value_code(std::span<const float> values) {
  const std::vector<float> distinct = distinct_values(values);
  if (distinct.size() > kMost) return {};
  if (distinct.empty()) return {true, 0, 1};
  const double step = distinct.size() > 1 ? common_step(distinct) : 1.0;
  const ValueCode code{true, distinct.front(), static_cast<float>(step)};
  const auto exact = [&](float value) { return is_exact(code, value); };
  const bool narrow = code.step > 0 && std::isfinite(code.step) &&
                      std::all_of(distinct.begin(), distinct.end(), exact);
  return narrow ? code : ValueCode{};
}

}  // namespace factorps
