/// model.h5: the trained model, self-contained and readable with h5py alone. Layout:
///
///   /                attributes: format = "factorps-model", version, kind, dim, mu (f64,
///                    normalised units), value_min, value_max (clipping range, original units),
///                    sha256, provenance (JSON text)
///   /users           factors f32 [users x dim], bias f32 [users], train_count u32 [users], ids
///   /items           the same
///   /normalisation   as in dataset.h5
///   /seen            optional: offsets u64 [users + 1], items u32 [N] ascending item rows per user
///
///   /layers          of the kinds mlp and neumf (io/model_layers.hpp)
///   /features        of the kind fm (io/model_features.hpp)
///
/// score(u, i) = mu + bias_u + bias_i + <factors_u, factors_i>, of mlp and neumf instead what the
/// layers make of both rows of factors; then Normalisation::invert, then clipping. A row with
/// train_count 0 (cold) has factors and bias 0, but for what attributes give it in fm. Every
/// dataset has an attribute checksum (u64): XXH3 of its bytes. Version 1 has the kind mf alone, and
/// is what models of that kind are written as; fm with features of moments is version 3, anything
/// else version 2.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/hash.hpp"
#include "io/hdf5.hpp"
#include "io/id_key.hpp"
#include "io/id_table.hpp"
#include "io/model_features.hpp"
#include "io/model_layers.hpp"
#include "model/normalisation.hpp"

namespace factorps {

inline constexpr std::uint64_t kModelVersion = 3;  ///< the newest that is read

struct ModelInfo {
  std::string kind = "mf";
  std::uint64_t users = 0;
  std::uint64_t items = 0;
  std::uint64_t dim = 0;  ///< columns of a row
  double mu = 0;
  float value_min = 0;
  float value_max = 0;
  Normalisation normalisation;
  std::string provenance;  ///< JSON text; "dataset_fingerprint" says what it was trained on
  std::optional<ModelLayers> layers;      ///< if has_layers(kind)
  std::optional<ModelFeatures> features;  ///< of fm

  /// Of the file.
  [[nodiscard]] std::uint64_t version() const {
    const bool moments = features && !features->context.empty();
    return kind == "mf" ? 1 : moments ? 3 : 2;
  }
};

/// Writes a model piece by piece, so that no table is ever whole in memory. Rows must come in
/// ascending order: all users, then all items. The SHA-256 is taken over what passes through.
/// Every piece must be written before commit(), except seen; a writer destroyed without commit()
/// leaves nothing behind.
class ModelWriter {
 public:
  /// Writes to a temporary name beside `path` until commit(). @throws ResourceError, DataError
  ModelWriter(const std::filesystem::path& path, const ModelInfo& info);
  ModelWriter(const ModelWriter&) = delete;
  ModelWriter& operator=(const ModelWriter&) = delete;
  ~ModelWriter();
  /// @param factors n x dim, row-major; bias n; the next n user rows
  void append_users(std::span<const float> factors, std::span<const float> bias);
  void append_items(std::span<const float> factors, std::span<const float> bias);
  void write_ids(const IdTable& users, const IdTable& items);
  void write_counts(std::span<const std::uint32_t> users, std::span<const std::uint32_t> items);
  void create_seen(std::span<const std::uint64_t> offsets);
  /// The next part of /seen/items, in user order.
  void append_seen(std::span<const std::uint32_t> items);
  /// Finishes the file, syncs it and renames it to its final name. @return the model's SHA-256:
  /// of dim, users, items, mu, then user factors, user biases, item factors and item biases as
  /// they lie in the file (little-endian), then the layers or features
  std::string commit();

 private:
  void append(const std::string& table, std::uint64_t rows, std::uint64_t& next,
              std::span<const float> factors, std::span<const float> bias);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  ModelInfo info_;
  h5::File file_;
  Sha256 sha_;
  std::uint64_t next_user_ = 0;
  std::uint64_t next_item_ = 0;
  std::uint64_t next_seen_ = 0;
  std::uint64_t seen_ = 0;
  std::vector<float> biases_;  // [row] of the table in progress: hashed after its factors
};

/// An open model; tables are memory-mapped.
class Model {
 public:
  /// Checks the structure; not the checksums (see verify()). @throws DataError
  explicit Model(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return map_.file().path(); }
  [[nodiscard]] const ModelInfo& info() const noexcept { return info_; }
  /// What scores rows, with the layers of info(); none: scores are dot products.
  [[nodiscard]] const Head* head() const noexcept { return head_.get(); }
  [[nodiscard]] std::span<const float> user(std::uint64_t row) const {
    return user_factors_.subspan(row * info_.dim, info_.dim);
  }
  [[nodiscard]] std::span<const float> item(std::uint64_t row) const {
    return item_factors_.subspan(row * info_.dim, info_.dim);
  }
  [[nodiscard]] std::span<const float> user_factors() const noexcept { return user_factors_; }
  [[nodiscard]] std::span<const float> item_factors() const noexcept { return item_factors_; }
  [[nodiscard]] std::span<const float> user_bias() const noexcept { return user_bias_; }
  [[nodiscard]] std::span<const float> item_bias() const noexcept { return item_bias_; }
  [[nodiscard]] std::span<const std::uint32_t> user_counts() const noexcept { return user_counts_; }
  [[nodiscard]] std::span<const std::uint32_t> item_counts() const noexcept { return item_counts_; }
  [[nodiscard]] IdTable user_ids() const { return IdTable::read(map_.file(), "/users"); }
  [[nodiscard]] IdTable item_ids() const { return IdTable::read(map_.file(), "/items"); }
  /// What users and items are found by: with the key of hashed ids, if use_key() gave it.
  [[nodiscard]] IdFinder find_users() const { return {user_ids(), id_key_, IdSide::user}; }
  [[nodiscard]] IdFinder find_items() const { return {item_ids(), id_key_, IdSide::item}; }
  void use_key(std::optional<IdKey> key) { id_key_ = std::move(key); }
  [[nodiscard]] const std::optional<IdKey>& id_key() const noexcept { return id_key_; }
  /// Ascending item rows that the user was trained on; nullopt if the model does not hold them.
  /// @throws DataError if they do not ascend or reach past the items
  [[nodiscard]] std::optional<std::span<const std::uint32_t>> seen(std::uint64_t user) const;
  /// The stored digest.
  [[nodiscard]] const std::string& sha256() const noexcept { return sha256_; }
  [[nodiscard]] std::string computed_sha256() const;
  /// Reads everything: checksums, SHA-256, external ids, seen items.
  /// @throws DataError naming the first object that is damaged
  void verify() const;

  /// A score (normalised units) in original units. If values were normalised per user or item, an
  /// absent one takes the mean offset and scale, weighted by training interactions.
  [[nodiscard]] float invert(std::optional<std::uint64_t> user, std::optional<std::uint64_t> item,
                             float stored) const;

  /// Prediction in original units; the sum is taken in double, column by column. Absent rows
  /// (unknown to the model) count as factors and bias 0.
  [[nodiscard]] float predict(std::optional<std::uint64_t> user, std::optional<std::uint64_t> item,
                              bool clip) const;
  /// The same, not clipped, of another row of a user. @param factors dim
  /// @param user whose values it is about; none: who is not in the model
  [[nodiscard]] float predict(std::span<const float> factors, float bias,
                              std::optional<std::uint64_t> item,
                              std::optional<std::uint64_t> user = std::nullopt) const;

 private:
  [[nodiscard]] float score_by_layers(std::span<const float> factors,
                                      std::optional<std::uint64_t> item) const;
  /// In normalised units.
  [[nodiscard]] float score(std::span<const float> factors, float bias,
                            std::optional<std::uint64_t> item) const;

  h5::MappedFile map_;
  ModelInfo info_;
  std::unique_ptr<Head> head_;
  std::string sha256_;
  std::span<const float> user_factors_;
  std::span<const float> item_factors_;
  std::span<const float> user_bias_;
  std::span<const float> item_bias_;
  std::span<const std::uint32_t> user_counts_;
  std::span<const std::uint32_t> item_counts_;
  std::span<const std::uint64_t> seen_offsets_;
  std::span<const std::uint32_t> seen_items_;
  std::optional<IdKey> id_key_;
  float absent_offset_ = 0;
  float absent_scale_ = 1;
};

}  // namespace factorps
