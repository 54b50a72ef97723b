#include "model/initial.hpp"

namespace factorps {

void initial_row(std::span<float> row, std::uint64_t index, std::uint64_t seed, Purpose table,
                 float std) {
  constexpr double kRoot3 = 1.7320508075688772;  // four uniforms have variance 1/3
  for (std::size_t column = 0; column < row.size(); ++column) {
    const auto w =
        philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                static_cast<std::uint32_t>(column), static_cast<std::uint32_t>(table)},
               {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    const double sum = (double{1.0} * w[0] + w[1] + w[2] + w[3]) * 0x1p-32;
    row[column] = static_cast<float>((sum - 2.0) * kRoot3 * double{std});
  }
}

}  // namespace factorps
