#include "ps/cut.hpp"

#include <cstring>

namespace factorps::ps {

void Cut::add_copy(const ShardPart& part) {
  const RowsView& rows = part.rows;
  const std::size_t row_bytes = part.width * sizeof(float);
  const std::size_t states = part.is_record ? 0 : rows.rows * sizeof(RowState);
  const std::size_t factors = round_up(rows.rows * row_bytes, kAlignment);
  std::byte* copy = memory.emplace_back(factors + states).data();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    std::memcpy(copy + r * row_bytes, rows.factors + r * rows.stride, row_bytes);
  }
  if (states > 0) std::memcpy(copy + factors, rows.states, states);
  ShardPart copied = part;
  copied.rows = {reinterpret_cast<float*>(copy), reinterpret_cast<RowState*>(copy + factors),
                 part.width, rows.rows};
  parts.push_back({copied, nullptr});
}

}  // namespace factorps::ps
