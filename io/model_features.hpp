/// Attributes as features of a factorization machine, in model.h5: what an entity that the training
/// did not know is worth by its attributes (docs/formats.md).
///
///   /features/users/NAME, /features/items/NAME
///     attribute kind = "category" | "tags" | "number"
///     rows f32 [values x (1 + dim)]   linear weight, then factors; of a number one row
///     category, tags: value_offsets u64 [values + 1], value_bytes u8
///     number: attributes mean, scale (f64): the feature is (x - mean) / scale
///   /features/context, if moments are features: attribute latest_time (i64 as text)
///   /features/context/KIND/rows f32 [size_of(kind) x (1 + dim)]
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/hash.hpp"
#include "io/attributes.hpp"
#include "io/hdf5.hpp"
#include "model/context.hpp"

namespace factorps {

/// One attribute and what its values weigh.
struct AttributeFeature {
  std::string name;
  AttributeKind kind = AttributeKind::category;
  std::vector<std::string> values;  ///< category, tags: ascending
  double mean = 0;                  ///< number
  double scale = 1;
  std::vector<float> rows;  ///< [value][1 + dim]; zero: no entity of the training had it

  /// Features that it gives.
  [[nodiscard]] std::uint64_t size() const noexcept {
    return kind == AttributeKind::number ? 1 : values.size();
  }
};

/// What a part of moments weighs.
struct ContextFeature {
  ContextKind kind = ContextKind::weekday;
  std::vector<float> rows;  ///< [size_of(kind)][1 + dim]; zero: nothing of the training was then
};

struct ModelFeatures {
  std::vector<AttributeFeature> users;
  std::vector<AttributeFeature> items;
  std::vector<ContextFeature> context = {};  ///< by kind
  std::int64_t latest_time = 0;              ///< of the training, with a context: unix seconds
};

/// What of an attribute of one entity becomes features: a category counts 1, each of n tags 1 / n,
/// a number its distance from the mean in units of `scale`. Calls visit(feature, x).
/// @param attribute of the same values, or of others: those without a feature are left out
template <class Visit>
void for_each_feature(const AttributeFeature& feature, const Attribute& attribute,
                      std::span<const std::uint32_t> feature_of_code, std::uint64_t row,
                      Visit&& visit) {
  if (feature.kind == AttributeKind::number) {
    const double x = (double{attribute.numbers[row]} - feature.mean) / feature.scale;
    if (attribute.known(row)) visit(std::uint32_t{0}, static_cast<float>(x));
    return;
  }
  const auto codes = attribute.codes_of(row);
  for (const std::uint32_t code : codes) {
    const std::uint32_t number = feature_of_code[code];
    if (number < feature.size()) visit(number, 1.0F / static_cast<float>(codes.size()));
  }
}
/// [code of the attribute] number of the feature of this value; feature.size(): none
[[nodiscard]] std::vector<std::uint32_t> feature_of_code(const AttributeFeature& feature,
                                                         const Attribute& attribute);

void write_features(h5::File& file, const ModelFeatures& features, std::uint64_t dim);
/// @throws DataError naming the object
[[nodiscard]] ModelFeatures read_features(const h5::File& file, std::uint64_t dim);
/// Adds all of it.
void digest(const ModelFeatures& features, Sha256& sha);
/// Names of all datasets of it.
[[nodiscard]] std::vector<std::string> feature_datasets(const h5::File& file);

}  // namespace factorps
