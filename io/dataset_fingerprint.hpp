/// What makes two datasets the same.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "common/hash.hpp"
#include "io/id_table.hpp"
#include "model/grid.hpp"
#include "model/normalisation.hpp"

namespace factorps {

/// Digest of whatever changes what a training computes or what its rows mean. Feed it the frame,
/// then the parts that it has, in the order of kParts.
class DatasetFingerprint {
 public:
  /// @param values smallest and largest value, base and step of the value code
  void add_frame(const IdTable& users, const IdTable& items, const Grid& grid,
                 const Normalisation& normalisation, const std::array<float, 4>& values);
  /// @param cell_begin [cell], plus the end: first interaction
  void add_part(std::span<const std::uint64_t> cell_begin,
                std::span<const std::uint64_t> cell_checksum);
  [[nodiscard]] std::string finish() { return hash_.finish(); }

 private:
  template <class T, std::size_t N>
  void add(std::span<const T, N> values) {
    const std::uint64_t size = values.size();
    add(size);
    hash_.update(std::as_bytes(values));
  }
  template <std::integral T>
  void add(T number) {
    hash_.update(std::as_bytes(std::span{&number, 1}));
  }
  void add(const IdTable& ids);

  Sha256 hash_;
};

}  // namespace factorps
