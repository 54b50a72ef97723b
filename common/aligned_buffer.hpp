/// Memory aligned to a cache line, which is also the widest vector.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace factorps {

inline constexpr std::size_t kAlignment = 64;  ///< bytes

/// `n` rounded up to a multiple of `step`.
[[nodiscard]] constexpr std::size_t round_up(std::size_t n, std::size_t step) noexcept {
  return (n + step - 1) / step * step;
}

/// Hands out consecutive aligned pieces of memory that may not exist yet.
class OffsetCursor {
 public:
  /// @return where the piece begins
  std::size_t take(std::size_t bytes) noexcept {
    const std::size_t at = next_;
    next_ += round_up(bytes, kAlignment);
    return at;
  }

 private:
  std::size_t next_ = 0;
};

/// Hands out the elements of a piece of memory, one part behind the other.
template <class T>
class Parts {
 public:
  explicit Parts(T* begin) noexcept : next_{begin} {}
  [[nodiscard]] T* take(std::size_t size) noexcept { return std::exchange(next_, next_ + size); }

 private:
  T* next_;
};

/// A fixed number of zeroed elements, aligned to kAlignment.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_{static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{kAlignment}))},
        size_{size} {
    std::uninitialized_value_construct_n(data_.get(), size_);
  }

  [[nodiscard]] T* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<T> span() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(T* p) const noexcept { ::operator delete (p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace factorps
