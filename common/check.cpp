#include "common/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace factorps::detail {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "factorps: internal error: %s:%d: expected %s\n", file, line, condition);
  std::abort();
}

}  // namespace factorps::detail
