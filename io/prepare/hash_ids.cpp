#include "io/prepare/hash_ids.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace factorps {
namespace {

/// @param rows numbers of ids, one per interaction; replaced by those of the hashes
IdTable hash_side(const IdTable& ids, const IdKey& key, IdSide side, Column<std::uint32_t>& rows) {
  std::vector<std::pair<std::string, std::uint32_t>> hashes;  // with the row of the id
  hashes.reserve(ids.size());
  for (std::uint32_t row = 0; row < ids.size(); ++row)
    hashes.emplace_back(key.hash(side, ids.text(row)), row);
  std::ranges::sort(hashes);
  std::vector<std::uint32_t> row_of(ids.size());  // [row of the id]
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (std::uint32_t n = 0; n < hashes.size(); ++n) {
    const auto& [hash, row] = hashes[n];
    if (n > 0 && hash == hashes[n - 1].first)
      throw DataError{"two ids have the same hash: expected another data.id_key_file"};
    bytes += hash;
    offsets.push_back(bytes.size());
    row_of[row] = n;
  }
  for (std::uint32_t& row : rows) row = row_of[row];
  return IdTable::of_strings(std::move(offsets), std::move(bytes));
}

}  // namespace

void hash_ids(RawInteractions& data, const IdKey& key, bool items) {
  data.user_ids = hash_side(data.user_ids, key, IdSide::user, data.rows.users);
  if (items) data.item_ids = hash_side(data.item_ids, key, IdSide::item, data.rows.items);
}

}  // namespace factorps
