/// Shard files of a checkpoint: whole strips and blocks, each with factors and state together.
///
///   /strips/000012, /blocks/000003, each: factors f32 [rows x dim], bias f32 [rows],
///   accumulator f32 [rows]
///   /residents/000003: the same for some rows of block 3, row u32 [n] of the block, ascending;
///   they stand in for those of /blocks/000003
///   Within an epoch also /strips/000012/sums f64 [blocks x 2]: interactions and loss of the cells
///   that are done; of the others anything
///
/// Row mode has instead, for every table and block of it (of users: strip):
///   /tables/NAME/000003: records f32 [rows x (width + state of the optimizer)]
///   Within an epoch also /tables/users/000012/sums f64 [1 x 2], if a lane begins with this strip:
///   interactions and loss of its steps that are done
///
/// HDF5 lays the file out; rows are written and read past it, with their checksums.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/checkpoint.hpp"
#include "io/raw_file.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// What a group of a shard file holds.
enum class RowsKind { strip, block };

/// A group to be written: where its rows are, and how they are called.
struct ShardPart {
  std::string group;
  RowsView rows;           ///< records: no states
  std::size_t width = 0;   ///< floats of a row in the file
  bool is_record = false;  ///< of row mode
  /// Residents: which rows of the block these are, ascending [row of `rows`]
  std::span<const std::uint32_t> which = {};
  std::vector<double> sums = {};  ///< strips, within an epoch: [n x 2]
};
[[nodiscard]] ShardPart rows_part(RowsKind kind, std::uint32_t index, RowsView rows,
                                  std::size_t dim);
/// Rows of a block whose other rows are written elsewhere. @param which must outlive the part
[[nodiscard]] ShardPart residents_part(std::uint32_t block, std::span<const std::uint32_t> which,
                                       RowsView rows, std::size_t dim);
/// A block of a table of row mode. @param stride floats from one record to the next
[[nodiscard]] ShardPart records_part(const std::string& table, std::uint32_t block, float* records,
                                     std::uint64_t rows, std::size_t width, std::size_t stride);

/// Writes one shard file.
class ShardWriter {
 public:
  /// Creates the file with room for all parts; their rows need not be what they will be.
  /// @throws ResourceError
  ShardWriter(const std::filesystem::path& path, std::vector<ShardPart> parts);
  /// Writes the rows of one part as they are now. @throws ResourceError
  void write(std::size_t part);
  /// Forces the file to disk and reads it back, after all parts are written.
  /// @throws ResourceError if it is not what was written
  [[nodiscard]] CheckpointFile finish();

 private:
  void write_states(RowsView rows, std::vector<CheckpointDataset>& datasets);
  void write_data(CheckpointDataset& data, std::span<const std::byte> bytes);

  std::vector<ShardPart> parts_;
  std::vector<std::vector<CheckpointDataset>> datasets_;  // [part]
  RawFile file_;
  PieceBuffer buffer_;
};

/// The shard files of one checkpoint together. Opens and reads only what is asked for.
class ShardReader {
 public:
  /// What is read is checked against the manifest.
  ShardReader(const std::filesystem::path& checkpoint, const CheckpointManifest& manifest);
  /// Files without a manifest. @throws CheckpointError
  explicit ShardReader(const std::vector<std::filesystem::path>& files);

  /// Fills `rows` with the strip or block. @throws CheckpointError if none of the files has it, its
  /// shape is another or it is damaged; then the rows are anything
  void read(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim);
  /// Of the cells of a strip. @param count two for each block
  [[nodiscard]] std::vector<double> read_sums(std::uint32_t strip, std::size_t count);
  /// As read(), of a block of a table of row mode.
  void read_records(const std::string& table, std::uint32_t block, float* records,
                    std::uint64_t rows, std::size_t width, std::size_t stride);
  /// Of the lane that begins with this block. @return two
  [[nodiscard]] std::vector<double> read_record_sums(const std::string& table, std::uint32_t block);

 private:
  struct File {
    std::filesystem::path path;
    std::optional<RawFile> open = std::nullopt;  // since something was read
    bool checked = false;                        // checksums are known
  };
  struct Place {
    std::size_t file = 0;
    CheckpointDataset data;
  };

  void add_unlisted(const std::filesystem::path& path);
  void add(File file, const std::vector<CheckpointDataset>& datasets);
  /// The datasets of that name, at least one.
  [[nodiscard]] const std::vector<Place>& places_of(const std::string& name,
                                                    const std::string& group) const;
  [[nodiscard]] const Place& place_in(std::size_t file, const std::string& name) const;
  /// Reads a dataset in pieces of up to so many bytes; take(offset, bytes).
  template <class Take>
  void read_data(const Place& place, std::size_t piece, Take&& take);
  template <class T>
  [[nodiscard]] std::vector<T> read_vector(const Place& place, std::size_t count);
  [[nodiscard]] std::vector<double> read_sums(const std::string& group, std::size_t count);
  void read_floats(const Place& place, RowsView rows, std::size_t width);
  void read_group(std::size_t file, const std::string& group, RowsView rows, std::size_t dim);
  void read_residents(std::uint32_t block, RowsView rows, std::size_t dim);

  std::vector<File> files_;
  std::map<std::string, std::vector<Place>> places_;  // by dataset; residents: several files
};

}  // namespace factorps
