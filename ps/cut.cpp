#include "ps/cut.hpp"

#include <cstring>
#include <span>
#include <utility>

#include "model/kernels/stream_copy.hpp"

namespace factorps::ps {

AlignedBuffer<std::byte> Cut::take_memory(std::size_t bytes) {
  const std::size_t n = memory.size();
  if (n < spare.size() && spare[n].size() == bytes) return std::move(spare[n]);
  return AlignedBuffer<std::byte>{bytes};
}

void Cut::add_copy(const ShardPart& part) {
  const RowsView& rows = part.rows;
  const std::size_t row_bytes = part.width * sizeof(float);
  const std::size_t states = part.is_record ? 0 : rows.rows * sizeof(RowState);
  const std::size_t factors = round_up(rows.rows * row_bytes, kAlignment);
  std::byte* copy = memory.emplace_back(take_memory(factors + states)).data();
  if (part.width == rows.stride) {
    stream_copy(std::as_bytes(std::span{rows.factors, rows.rows * rows.stride}), copy);
  } else {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      std::memcpy(copy + r * row_bytes, rows.factors + r * rows.stride, row_bytes);
    }
  }
  if (states > 0) std::memcpy(copy + factors, rows.states, states);
  ShardPart copied = part;
  copied.rows = {reinterpret_cast<float*>(copy), reinterpret_cast<RowState*>(copy + factors),
                 part.width, rows.rows};
  parts.push_back({copied, nullptr});
}

}  // namespace factorps::ps
