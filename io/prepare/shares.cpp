#include "io/prepare/shares.hpp"

#include <algorithm>
#include <limits>

#include "common/error.hpp"
#include "common/parallel.hpp"
#include "io/text/block_reader.hpp"

namespace factorps {
namespace {

RawFile inspect(const std::filesystem::path& path, const DataConfig& config, bool test) {
  RawFile file{path, detect_layout(path, config), std::filesystem::file_size(path), true, test};
  file.divisible =
      file.layout.kind != TextLayout::Kind::quoted && compression_of(path) == Compression::none;
  return file;
}

}  // namespace

std::vector<RawFile> find_raw_files(const Config& config) {
  if (config.data.source.empty())
    throw ConfigError{"data.source is empty, expected at least one file"};
  const bool given = config.split.method == "given";
  if (given && config.data.test.empty()) {
    throw ConfigError{"split.method = \"given\" needs data.test, which is empty"};
  }
  std::vector<RawFile> files;
  for (const auto& path : config.data.source) files.push_back(inspect(path, config.data, false));
  if (!given) return files;
  for (const auto& path : config.data.test) files.push_back(inspect(path, config.data, true));
  return files;
}

std::uint64_t total_bytes(const std::vector<RawFile>& files) {
  std::uint64_t total = 0;
  for (const RawFile& file : files) total += file.bytes;
  return total;
}

ShareSegments segments_of(const std::vector<RawFile>& files, std::uint32_t share,
                          std::uint32_t of) {
  const std::uint64_t total = total_bytes(files);
  const std::uint64_t from = part_begin(total, share, of);
  const std::uint64_t to = part_begin(total, share + 1, of);
  ShareSegments result;
  std::uint64_t start = 0;  // of the file in the row of all files
  for (const RawFile& file : files) {
    const auto inside = [&](std::uint64_t position) {
      return std::clamp(position, start, start + file.bytes) - start;
    };
    auto& segments = file.test ? result.test : result.source;
    if (!file.divisible) {
      constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
      if (start >= from && start < to) segments.push_back({file.path, file.layout, 0, kAll});
    } else if (inside(from) < inside(to)) {
      const std::uint64_t begin = next_line_start(file.path, inside(from));
      const std::uint64_t end = next_line_start(file.path, inside(to));
      if (begin < end) segments.push_back({file.path, file.layout, begin, end});
    }
    start += file.bytes;
  }
  return result;
}

Chunk read_share(const ShareSegments& segments, const RowRules& rules, std::uint64_t room) {
  RowReader reader{rules, room};
  std::size_t source_rows = 0;
  std::string failure;
  const auto read_all = [&](const std::vector<Segment>& list) {
    for (const Segment& segment : list) {
      if (reader.too_many_bad_rows()) return;
      try {
        reader.read(segment);
      } catch (const DataError& error) {
        failure = error.what();
        return;
      }
    }
  };
  read_all(segments.source);
  source_rows = reader.rows();
  if (failure.empty()) read_all(segments.test);
  Chunk chunk = reader.release();
  chunk.source_rows = source_rows;
  chunk.failure = failure;
  return chunk;
}

}  // namespace factorps
