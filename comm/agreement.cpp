#include "comm/agreement.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace factorps::comm {

std::string first_problem(const Environment& environment, const std::string& mine) {
  if (environment.minimum(mine.empty() ? 1 : 0) == 1) return {};
  std::vector<std::byte> said;
  for (auto& text : environment.gather(std::as_bytes(std::span{mine}))) {
    if (said.empty()) said = std::move(text);
  }
  environment.broadcast(said);
  return {reinterpret_cast<const char*>(said.data()), said.size()};
}

}  // namespace factorps::comm
