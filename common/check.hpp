/// Assertions: what only a programmer can get wrong. World and user errors throw
/// (common/error.hpp).
#pragma once

namespace factorps::detail {
/// Prints the failed condition with its place and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace factorps::detail

/// Always on; for borders between modules.
#define FACTORPS_CHECK(condition) \
  (static_cast<bool>(condition)   \
       ? static_cast<void>(0)     \
       : ::factorps::detail::check_failed(#condition, __FILE__, __LINE__))

/// On in debug builds and tests; for inner loops.
#ifdef NDEBUG
#define FACTORPS_ASSERT(condition) static_cast<void>(0)
#else
#define FACTORPS_ASSERT(condition) FACTORPS_CHECK(condition)
#endif
