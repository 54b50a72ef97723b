/// The raw files of a config, cut into shares for the ranks that parse them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "io/config.hpp"
#include "io/prepare/row_reader.hpp"

namespace factorps {

/// One raw file.
struct RawFile {
  std::filesystem::path path;
  TextLayout layout;
  std::uint64_t bytes = 0;  ///< on disk
  bool divisible = true;    ///< may be cut at any line end: plain text without quotes
  bool test = false;        ///< named in data.test
};

/// Looks into every file, data.source first, then data.test if split.method = "given".
/// @throws DataError if a file cannot be read; ConfigError if there is none
[[nodiscard]] std::vector<RawFile> find_raw_files(const Config& config);

/// What one share reads.
struct ShareSegments {
  std::vector<Segment> source;
  std::vector<Segment> test;
};

[[nodiscard]] std::uint64_t total_bytes(const std::vector<RawFile>& files);

/// Cuts all files, put one after the other, into `of` shares of about equal size; all shares
/// together, in ascending order, give every line once and in order.
[[nodiscard]] ShareSegments segments_of(const std::vector<RawFile>& files, std::uint32_t share,
                                        std::uint32_t of);

/// Reads a share. A damaged file becomes the chunk's failure, so that all ranks go on to the merge.
/// @param room bytes of plain text for whose rows to make room: those of other shares will follow
[[nodiscard]] Chunk read_share(const ShareSegments& segments, const RowRules& rules,
                               std::uint64_t room = 0);

}  // namespace factorps
