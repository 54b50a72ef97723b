#include "ps/shard_store.hpp"

#include "common/error.hpp"

namespace factorps::ps {

Cut ShardStore::cut(std::uint64_t number, std::uint32_t step) {
  Cut cut{number, {}, {}};
  for (const ShardPart& part : parts(step)) cut.add_copy(part);
  return cut;
}

std::uint32_t ShardStore::hold() { throw ProtocolError{"server: a pass that cannot pause"}; }
void ShardStore::pause(std::uint32_t) { throw ProtocolError{"server: a pass that cannot pause"}; }

}  // namespace factorps::ps
