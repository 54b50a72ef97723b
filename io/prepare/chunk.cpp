#include "io/prepare/chunk.hpp"

#include <cstring>

#include "common/error.hpp"

namespace factorps {
namespace {

class Writer {
 public:
  void number(std::uint64_t value) { append(&value, sizeof value); }
  template <class Column>
  void column(const Column& values) {
    number(values.size());
    append(values.data(), values.size() * sizeof(*values.data()));
  }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  [[nodiscard]] std::vector<std::byte> finish() { return std::move(bytes_); }

 private:
  void append(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
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
  template <class Column>
  void column(Column& values) {
    const std::uint64_t size = number();
    if (size > rest_.size() / sizeof(*values.data())) throw ProtocolError{"chunk: ends early"};
    values.resize(size);
    take(values.data(), size * sizeof(*values.data()));
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
  io.column(chunk.rows.users);
  io.column(chunk.rows.items);
  io.column(chunk.rows.values);
  io.column(chunk.rows.times);
  io.column(chunk.failure);
}

}  // namespace

std::vector<std::byte> to_bytes(const Chunk& chunk) {
  Writer writer;
  writer.reserve(chunk.rows.size() * 12 + chunk.rows.times.size() * 8 + chunk.users.bytes.size() +
                 (chunk.users.integers.size() + chunk.users.offsets.size()) * 8 + (1 << 16));
  visit_columns(writer, chunk);
  writer.number(chunk.source_rows);
  writer.number(chunk.lines);
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
  chunk.bad.count = reader.number();
  const std::uint64_t messages = reader.number();
  if (messages > BadRows::kShown) throw ProtocolError{"chunk: too many messages"};
  chunk.bad.first.resize(messages);
  for (std::string& message : chunk.bad.first) reader.column(message);
  if (chunk.rows.items.size() != chunk.rows.size() ||
      chunk.rows.values.size() != chunk.rows.size()) {
    throw ProtocolError{"chunk: columns of different lengths"};
  }
  return chunk;
}

}  // namespace factorps
