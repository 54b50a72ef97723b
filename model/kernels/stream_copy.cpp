#include "model/kernels/stream_copy.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "common/aligned_buffer.hpp"

namespace factorps {

namespace hn = hwy::HWY_NAMESPACE;

// The vectors of the oldest machine fill a cache line as well as those of the newest.
void stream_copy(std::span<const std::byte> from, std::byte* to) noexcept {
  const hn::ScalableTag<std::uint8_t> bytes;
  const std::size_t lane = hn::Lanes(bytes);
  const auto* source = reinterpret_cast<const std::uint8_t*>(from.data());
  auto* target = reinterpret_cast<std::uint8_t*>(to);
  // Stores past the caches must be aligned.
  const std::size_t to_line = -reinterpret_cast<std::uintptr_t>(target) % kAlignment;
  std::size_t done = std::min(to_line, from.size());
  std::memcpy(target, source, done);
  for (; done + lane <= from.size(); done += lane) {
    hn::Stream(hn::LoadU(bytes, source + done), bytes, target + done);
  }
  std::memcpy(target + done, source + done, from.size() - done);
  hwy::FlushStream();
}

}  // namespace factorps
