#include "io/prepare/chunk.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "common/error.hpp"
#include "io/value_code.hpp"

namespace factorps {
namespace {

constexpr std::uint32_t kMostInRun = std::numeric_limits<std::uint32_t>::max();

class Writer {
 public:
  void number(std::uint64_t value) { append(&value, sizeof value); }
  template <class Values>
  void column(const Values& values) {
    number(values.size());
    append(values.data(), values.size() * sizeof(*values.data()));
  }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  /// Runs of equal numbers, where there are few (files sorted by user), else packed numbers.
  void runs_or_packed(const Column<std::uint32_t>& values) {
    Column<std::uint32_t> runs;  // number, count
    for (const std::uint32_t value : values) {
      if (runs.empty() || runs[runs.size() - 2] != value || runs.back() == kMostInRun) {
        if (runs.size() + 2 > values.size() / 4) {
          runs.clear();
          break;
        }
        runs.insert(runs.end(), {value, 0});
      }
      ++runs.back();
    }
    const bool few = !runs.empty();
    number(few ? 1 : 0);
    if (!few) return packed(values);
    number(values.size());
    column(runs);
  }
  /// Numbers in as few bytes each as the largest needs.
  void packed(const Column<std::uint32_t>& values) {
    const std::uint32_t most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    const auto width =
        std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(most)) + 7) / 8);
    number(values.size());
    number(width);
    std::byte* out = extend(values.size() * width + sizeof(std::uint32_t));
    for (const std::uint32_t value : values) {
      std::memcpy(out, &value, sizeof value);  // little-endian: the low bytes stay
      out += width;
    }
  }
  /// Values in a byte each where that is exact.
  void packed(const Column<float>& values) {
    const ValueCode code = choose_value_code(values);
    number(code.narrow ? 1 : 0);
    if (!code.narrow) return column(values);
    number(std::bit_cast<std::uint32_t>(code.base));
    number(std::bit_cast<std::uint32_t>(code.step));
    number(values.size());
    std::byte* out = extend(values.size());
    const ValueEncoder encode{code};
    for (const float value : values) *out++ = std::byte{encode(value)};
  }
  [[nodiscard]] std::vector<std::byte> finish() { return std::move(bytes_); }

 private:
  std::byte* extend(std::size_t size) {
    bytes_.resize(bytes_.size() + size);
    return bytes_.data() + bytes_.size() - size;
  }
  void append(const void* data, std::size_t size) {
    if (size > 0) std::memcpy(extend(size), data, size);
  }
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_{bytes} {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    take(&value, sizeof value);
    return value;
  }
  template <class Values>
  void column(Values& values) {
    const std::uint64_t size = number();
    if (size > rest_.size() / sizeof(*values.data())) throw ProtocolError{"chunk: ends early"};
    values.resize(size);
    take(values.data(), size * sizeof(*values.data()));
  }
  void runs_or_packed(Column<std::uint32_t>& values) {
    if (number() == 0) return packed(values);
    const std::uint64_t size = number();
    Column<std::uint32_t> runs;
    column(runs);
    std::uint64_t total = 0;
    for (std::size_t r = 1; r < runs.size(); r += 2) total += runs[r];
    // As many items follow, of a byte at least: few runs cannot ask for more memory than that.
    if (runs.size() % 2 != 0 || total != size || size > rest_.size())
      throw ProtocolError{"chunk: runs of another length"};
    values.reserve(size);
    for (std::size_t r = 0; r < runs.size(); r += 2)
      values.insert(values.end(), runs[r + 1], runs[r]);
  }
  void packed(Column<std::uint32_t>& values) {
    const std::uint64_t size = number();
    const std::uint64_t width = number();
    if (width < 1 || width > 4 || size > rest_.size() / width ||
        rest_.size() - size * width < sizeof(std::uint32_t)) {
      throw ProtocolError{"chunk: ends early"};
    }
    values.resize(size);
    const std::uint32_t mask = 0xFFFF'FFFFU >> (32 - 8 * width);
    const std::byte* in = rest_.data();
    for (std::uint32_t& value : values) {
      std::memcpy(&value, in, sizeof value);
      value &= mask;
      in += width;
    }
    rest_ = rest_.subspan(size * width + sizeof(std::uint32_t));
  }
  void packed(Column<float>& values) {
    if (number() == 0) return column(values);
    const auto base = std::bit_cast<float>(static_cast<std::uint32_t>(number()));
    const auto step = std::bit_cast<float>(static_cast<std::uint32_t>(number()));
    const std::uint64_t size = number();
    if (size > rest_.size()) throw ProtocolError{"chunk: ends early"};
    values.resize(size);
    for (std::uint64_t n = 0; n < size; ++n) {
      values[n] = base + step * static_cast<float>(std::to_integer<std::uint8_t>(rest_[n]));
    }
    rest_ = rest_.subspan(size);
  }

 private:
  void take(void* into, std::size_t size) {
    if (size > rest_.size()) throw ProtocolError{"chunk: ends early"};
    if (size > 0) std::memcpy(into, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  std::span<const std::byte> rest_;
};

/// Calls `io` for every field of a chunk but the messages.
template <class Io, class AnyChunk>
void visit_columns(Io& io, AnyChunk& chunk) {
  io.column(chunk.users.integers);
  io.column(chunk.users.offsets);
  io.column(chunk.users.bytes);
  io.column(chunk.items.integers);
  io.column(chunk.items.offsets);
  io.column(chunk.items.bytes);
  io.runs_or_packed(chunk.rows.users);
  io.packed(chunk.rows.items);
  io.packed(chunk.rows.values);
  io.column(chunk.rows.times);
  io.column(chunk.failure);
}

}  // namespace

std::vector<std::byte> to_bytes(const Chunk& chunk) {
  Writer writer;
  writer.reserve(chunk.rows.size() * 12 + chunk.rows.times.size() * 8 + chunk.users.bytes.size() +
                 chunk.items.bytes.size() + (1 << 16));
  visit_columns(writer, chunk);
  writer.number(chunk.source_rows);
  writer.number(chunk.lines);
  writer.number(chunk.skipped.weight_0);
  writer.number(chunk.skipped.no_user);
  writer.number(chunk.bad.count);
  writer.number(chunk.bad.first.size());
  for (const std::string& message : chunk.bad.first) writer.column(message);
  return writer.finish();
}

Chunk chunk_from_bytes(std::span<const std::byte> bytes) {
  Reader reader{bytes};
  Chunk chunk;
  visit_columns(reader, chunk);
  chunk.source_rows = reader.number();
  chunk.lines = reader.number();
  chunk.skipped.weight_0 = reader.number();
  chunk.skipped.no_user = reader.number();
  chunk.bad.count = reader.number();
  const std::uint64_t messages = reader.number();
  if (messages > BadRows::kShown || (messages == 0 && chunk.bad.count > 0))
    throw ProtocolError{"chunk: another number of messages"};
  chunk.bad.first.resize(messages);
  for (std::string& message : chunk.bad.first) reader.column(message);
  if (chunk.rows.items.size() != chunk.rows.size() ||
      chunk.rows.values.size() != chunk.rows.size()) {
    throw ProtocolError{"chunk: columns of different lengths"};
  }
  return chunk;
}

namespace {

/// Ids as a collector leaves them, and numbers that they have.
void check_ids(const CollectedIds& ids, const Column<std::uint32_t>& numbers) {
  const auto& offsets = ids.offsets;
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != ids.bytes.size() ||
      !std::is_sorted(offsets.begin(), offsets.end())) {
    throw ProtocolError{"chunk: offsets of ids out of order"};
  }
  for (const std::uint32_t number : numbers) {
    const std::uint32_t n = number & ~CollectedIds::kTextBit;
    if (n >= (n == number ? ids.integers.size() : ids.texts()))
      throw ProtocolError{"chunk: a number without an id"};
  }
}

}  // namespace

void check_received(const Chunk& chunk) {
  check_ids(chunk.users, chunk.rows.users);
  check_ids(chunk.items, chunk.rows.items);
  const std::size_t rows = chunk.rows.size();
  const std::size_t times = chunk.rows.times.size();
  if (chunk.source_rows > rows || (times != 0 && times != rows))
    throw ProtocolError{"chunk: counts do not match the rows"};
}

}  // namespace factorps
