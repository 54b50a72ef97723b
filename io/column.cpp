#include "io/column.hpp"

#include <cstdlib>
#include <new>

#include <sys/mman.h>

#include "common/aligned_buffer.hpp"

namespace factorps::detail {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

bool is_large(std::size_t bytes) { return bytes >= 4 * kHugePage; }

}  // namespace

void* allocate_column(std::size_t bytes) {
  if (!is_large(bytes)) return ::operator new(bytes);
  const std::size_t rounded = round_up(bytes, kHugePage);
  void* memory = std::aligned_alloc(kHugePage, rounded);
  if (memory == nullptr) throw std::bad_alloc{};
  ::madvise(memory, rounded, MADV_HUGEPAGE);  // a wish: slower pages do as well
  return memory;
}

void free_column(void* memory, std::size_t bytes) noexcept {
  if (is_large(bytes)) {
    std::free(memory);
  } else {
    ::operator delete(memory);
  }
}

}  // namespace factorps::detail
