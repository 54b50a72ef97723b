#include "model/heads/dropout.hpp"

#include <algorithm>
#include <array>

#include "common/random.hpp"

namespace factorps {

Dropout::Dropout(float rate)
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): above 0, and masks stay what they are
    : kept_{std::clamp(static_cast<std::uint32_t>((1 - double{rate}) * kAll + 0.5), 1U, kAll)},
      scale_{static_cast<float>(double{kAll} / kept_)} {}

void Dropout::factors(std::uint64_t seed, std::uint64_t example, std::size_t layer,
                      std::size_t units, float* factors) const {
  constexpr std::size_t kDraws = 8;  // numbers of 16 bits, from four words
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32)};
  for (std::size_t unit = 0; unit < units; unit += kDraws) {
    const auto words =
        philox({static_cast<std::uint32_t>(example), static_cast<std::uint32_t>(example >> 32),
                static_cast<std::uint32_t>(layer << 16 | unit / kDraws),
                static_cast<std::uint32_t>(Purpose::drop_units)},
               key);
    for (std::size_t n = 0; n < std::min(kDraws, units - unit); ++n) {
      const std::uint32_t draw = words[n / 2] >> (n % 2 * 16) & 0xFFFF;
      factors[unit + n] = draw < kept_ ? scale_ : 0.0F;
    }
  }
}

}  // namespace factorps
