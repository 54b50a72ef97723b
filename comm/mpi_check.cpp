#include "comm/mpi_check.hpp"

#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::comm {

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error{fmt::format("{} failed: {}", call,
                          std::string(text.data(), static_cast<std::size_t>(length)))};
}

int to_count(std::size_t n) {
  if (!std::in_range<int>(n)) throw Error{fmt::format("message of {} bytes is too large", n)};
  return static_cast<int>(n);
}

}  // namespace factorps::comm
