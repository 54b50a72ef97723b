/// Shard files of a checkpoint: whole strips and blocks, each with factors and state together.
///
///   /strips/000012, /blocks/000003, each: factors f32 [rows x dim], bias f32 [rows],
///   accumulator f32 [rows]
///   /residents/000003: the same for some rows of block 3, row u32 [n] of the block, ascending;
///   they stand in for those of /blocks/000003
///
/// Row mode has instead, for every table and block of it (of users: strip):
///   /tables/NAME/000003: records f32 [rows x (width + state of the optimizer)]
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/hdf5.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

/// What a group of a shard file holds.
enum class RowsKind { strip, block };

/// Writes one shard file.
class ShardWriter {
 public:
  explicit ShardWriter(const std::filesystem::path& path) : file_{h5::File::create(path)} {}
  void write(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim);
  /// Rows of a block whose other rows are written elsewhere.
  /// @param which ascending [row of `rows`]
  void write_residents(std::uint32_t block, std::span<const std::uint32_t> which, RowsView rows,
                       std::size_t dim);
  /// A block of a table of row mode. @param stride floats from one record to the next
  void write_records(const std::string& table, std::uint32_t block, float* records,
                     std::uint64_t rows, std::size_t width, std::size_t stride);
  /// Flushes to disk and closes.
  void finish() { file_.close(); }

 private:
  void write_group(const std::string& group, RowsView rows, std::size_t dim);

  h5::File file_;
};

/// The shard files of one checkpoint together.
class ShardReader {
 public:
  /// @param files as the manifest lists them
  explicit ShardReader(const std::vector<std::filesystem::path>& files);
  /// Fills `rows` with the strip or block. @throws CheckpointError if none of the files has it or
  /// its shape is another
  void read(RowsKind kind, std::uint32_t index, RowsView rows, std::size_t dim) const;
  /// The same of a block of a table of row mode.
  void read_records(const std::string& table, std::uint32_t block, float* records,
                    std::uint64_t rows, std::size_t width, std::size_t stride) const;

 private:
  [[nodiscard]] const h5::File& file_with(const std::string& group) const;
  void read_residents(std::uint32_t block, RowsView rows, std::size_t dim) const;

  std::vector<h5::File> files_;
};

}  // namespace factorps
