/// Keyed hashes in the place of ids, before anything depends on ids.
#pragma once

#include "io/id_key.hpp"
#include "io/prepare/merge.hpp"

namespace factorps {

/// Replaces the ids of users, and of items if `items`, and numbers rows in the order of the hashes:
/// the order of the ids would say something of them.
/// @throws DataError if two ids have one hash
void hash_ids(RawInteractions& data, const IdKey& key, bool items);

}  // namespace factorps
