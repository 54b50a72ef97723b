#include "ps/shard_store.hpp"

#include <utility>

#include "common/error.hpp"

namespace factorps::ps {

Cut ShardStore::cut(std::uint64_t number, std::uint32_t step,
                    std::vector<AlignedBuffer<std::byte>> spare) {
  Cut cut{number, {}, {}, std::move(spare)};
  for (const ShardPart& part : parts(step)) cut.add_copy(part);
  return cut;
}

std::uint32_t ShardStore::hold() { throw ProtocolError{"server: a pass that cannot pause"}; }
void ShardStore::pause(std::uint32_t) { throw ProtocolError{"server: a pass that cannot pause"}; }

}  // namespace factorps::ps
