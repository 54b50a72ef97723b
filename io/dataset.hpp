/// dataset.h5: what `prepare` writes and everything else reads. docs/formats.md has the layout:
///
///   /                attributes: format = "factorps-dataset", version, fingerprint, seed,
///                    value_min, value_max (original units), train_mean (normalised units),
///                    value_narrow (0|1), value_base, value_step, summary (JSON text of prepare)
///   /users, /items   ids (see IdTable), train_count u32 [rows] and attributes (io/attributes.hpp)
///   /grid            strip_begin u64 [strips + 1], block_begin u64 [blocks + 1]
///   /normalisation   attribute by = "global" | "user" | "item"; offset f32 [n], scale f32 [n]
///   /train, /validation, /test and, if users were held out, /fold_in, each:
///       runs u32 [R x 2]  (user offset in the strip, interactions), items u16 [N],
///       values u8 [N] or f32 [N], and per cell, strip-major:
///       cell_runs u64 [cells + 1], cell_begin u64 [cells + 1]  (first run, first interaction),
///       cell_checksum u64 [cells]  (cell_checksum() below)
///       and with data.store_times: times i64 [N] (unix seconds), attribute checksum
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/attributes.hpp"
#include "io/hdf5.hpp"
#include "io/id_table.hpp"
#include "model/cell.hpp"
#include "model/grid.hpp"
#include "model/normalisation.hpp"

namespace factorps {

inline constexpr std::uint64_t kDatasetVersion = 1;

/// A part of the split. fold_in: what is known of held-out users when a model is evaluated; a
/// dataset without such users has no group of this name, and an empty part.
enum class Part : std::uint8_t { train, validation, test, fold_in };
inline constexpr std::array kParts{Part::train, Part::validation, Part::test, Part::fold_in};
[[nodiscard]] const char* part_name(Part part) noexcept;

/// XXH3 of the cell's runs, items and values, in this order, each XXH3 combined as
/// checksum(three little-endian u64).
[[nodiscard]] std::uint64_t cell_checksum(const CellView& cell) noexcept;

/// An open dataset. The interactions are memory-mapped: pages are shared by all processes of a
/// node and read on demand. Thread-safe after construction, except for id tables and attributes.
class Dataset {
 public:
  /// Opens and checks the structure: every count and offset, but not the checksums.
  /// @throws DataError naming file, object and expectation
  explicit Dataset(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] const Grid& grid() const noexcept { return grid_; }
  /// Hexadecimal digest of everything that training depends on.
  [[nodiscard]] const std::string& fingerprint() const noexcept { return fingerprint_; }
  [[nodiscard]] std::uint64_t interactions(Part part) const noexcept;
  /// Whether the file holds this part, if only an empty one.
  [[nodiscard]] bool has(Part part) const noexcept;
  /// Whether the users of a part train nothing and have a history in fold_in instead
  /// (split.method = "users"): of no use without folding them in.
  [[nodiscard]] bool held_out(Part part) const;
  [[nodiscard]] CellView cell(Part part, StripId strip, BlockId block) const;
  /// Whether the file says when interactions were.
  [[nodiscard]] bool has_times() const noexcept { return has_times_; }
  /// @param need for people: "which model.context needs" @throws DataError if it does not
  void require_times(const std::string& need) const;
  /// Unix seconds, [interaction of the cell]; none without times.
  [[nodiscard]] std::span<const std::int64_t> times(Part part, StripId strip, BlockId block) const;
  /// The checksum of the times of a part, once it has been compared. @throws DataError
  std::uint64_t verify_times(Part part) const;
  /// Interactions of a part. [cell]
  [[nodiscard]] std::vector<std::uint64_t> cell_sizes(Part part) const;
  /// Compares checksums and bounds of all cells of one strip, and its users' training counts.
  /// @throws DataError naming the cell or the row
  void verify(StripId strip) const;

  /// Mean of the normalised training values.
  [[nodiscard]] double train_mean() const noexcept { return train_mean_; }
  [[nodiscard]] float value_min() const noexcept { return value_min_; }  ///< original units
  [[nodiscard]] float value_max() const noexcept { return value_max_; }  ///< original units
  [[nodiscard]] const Normalisation& normalisation() const noexcept { return normalisation_; }
  /// Training interactions per row.
  [[nodiscard]] std::span<const std::uint32_t> user_counts() const { return user_counts_; }
  [[nodiscard]] std::span<const std::uint32_t> item_counts() const { return item_counts_; }
  [[nodiscard]] IdTable user_ids() const { return IdTable::read(map_.file(), "/users"); }
  [[nodiscard]] IdTable item_ids() const { return IdTable::read(map_.file(), "/items"); }
  /// Ascending.
  [[nodiscard]] std::vector<std::string> user_attribute_names() const;
  [[nodiscard]] std::vector<std::string> item_attribute_names() const;
  /// Reads and checks it; nothing if there is none of this name.
  [[nodiscard]] std::optional<Attribute> user_attribute(const std::string& name) const;
  [[nodiscard]] std::optional<Attribute> item_attribute(const std::string& name) const;
  /// Bytes of the external ids in a file.
  [[nodiscard]] std::uint64_t user_id_bytes() const;
  [[nodiscard]] std::uint64_t item_id_bytes() const;
  /// What prepare counted, as JSON text.
  [[nodiscard]] std::string summary() const { return map_.file().text("/", "summary"); }

 private:
  struct PartView {
    std::span<const Run> runs;
    std::span<const std::uint16_t> items;
    const std::uint8_t* codes = nullptr;
    const float* values = nullptr;
    std::span<const std::int64_t> times;           // or none
    std::span<const std::uint64_t> cell_runs;      // [cell], plus the end
    std::span<const std::uint64_t> cell_begin;     // [cell], plus the end
    std::span<const std::uint64_t> cell_checksum;  // [cell]
  };
  [[nodiscard]] PartView open_part(Part part) const;

  std::filesystem::path path_;
  h5::MappedFile map_;
  Grid grid_;
  std::string fingerprint_;
  double train_mean_ = 0;
  float value_min_ = 0;
  float value_max_ = 0;
  ValueCode code_;
  Normalisation normalisation_;
  std::span<const std::uint32_t> user_counts_;
  std::span<const std::uint32_t> item_counts_;
  std::array<PartView, kParts.size()> parts_;  // [Part]
  bool has_times_ = false;
};

}  // namespace factorps
