/// Long columns of plain numbers: std::vector on memory made for them.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace factorps {
namespace detail {

/// @throws std::bad_alloc
[[nodiscard]] void* allocate_column(std::size_t bytes);
void free_column(void* memory, std::size_t bytes) noexcept;

}  // namespace detail

/// Asks for huge pages (of 20 M ratings, a third of the time went into page faults) and leaves
/// elements that resize() adds without a value: columns are filled right after.
template <class T>
class ColumnAllocator {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  ColumnAllocator() = default;
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): it knows no explicit(false)
  explicit(false) ColumnAllocator(const ColumnAllocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) {
    return static_cast<T*>(detail::allocate_column(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t n) noexcept { detail::free_column(memory, n * sizeof(T)); }
  template <class U, class... Args>
  void construct(U* place, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      ::new (static_cast<void*>(place)) U;
    } else {
      ::new (static_cast<void*>(place)) U(std::forward<Args>(args)...);
    }
  }
  friend bool operator==(const ColumnAllocator&, const ColumnAllocator&) = default;
};

template <class T>
using Column = std::vector<T, ColumnAllocator<T>>;

}  // namespace factorps
