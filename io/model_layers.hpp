/// Layers in model.h5: what makes scores of rows that are no dot products (docs/formats.md).
///
///   /layers   attribute products: how many of the first columns of a row gmf multiplies; 0 for mlp
///             tower u64 [widths]; layer1.weights f32 [in x out], layer1.bias f32 [1 x out], ...,
///             output.weights f32 [in x 1], output.bias f32 [1 x 1]
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/hash.hpp"
#include "io/hdf5.hpp"
#include "model/heads/head.hpp"

namespace factorps {

struct ModelLayers {
  std::uint64_t products = 0;
  std::vector<std::uint64_t> tower;
  std::vector<float> dense;  ///< of all layers, as HeadShape says
};

/// Whether models of this kind have layers: mlp, neumf.
[[nodiscard]] bool has_layers(const std::string& kind);
/// What scores rows. @throws ConfigError for sizes that make no model
[[nodiscard]] std::unique_ptr<Head> head_of(const std::string& kind, const ModelLayers& layers);

void write_layers(h5::File& file, const std::string& kind, const ModelLayers& layers);
/// @param dim columns of a row, which must fit @throws DataError naming the object
[[nodiscard]] ModelLayers read_layers(const h5::File& file, const std::string& kind,
                                      std::uint64_t dim);
/// Adds products, the tower and all layers.
void digest(const ModelLayers& layers, Sha256& sha);

}  // namespace factorps
