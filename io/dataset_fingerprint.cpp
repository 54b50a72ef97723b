#include "io/dataset_fingerprint.hpp"

#include "io/dataset.hpp"

namespace factorps {

void DatasetFingerprint::add_frame(const IdTable& users, const IdTable& items, const Grid& grid,
                                   const Normalisation& normalisation,
                                   const std::array<float, 4>& values) {
  add(kDatasetVersion);
  add(users);
  add(items);
  add(std::span{grid.strip_begin});
  add(std::span{grid.block_begin});
  add(static_cast<std::uint32_t>(normalisation.by));
  add(std::span{normalisation.offset});
  add(std::span{normalisation.scale});
  add(std::span{values});
}

void DatasetFingerprint::add_part(std::span<const std::uint64_t> cell_begin,
                                  std::span<const std::uint64_t> cell_checksum) {
  add(cell_begin);
  add(cell_checksum);
}

void DatasetFingerprint::add(const IdTable& ids) {
  for (std::uint64_t row = 0; row < ids.size(); ++row) {
    const std::string id = ids.text(row);
    add(std::span{id});
  }
}

}  // namespace factorps
