/// What ranks send each other: control messages, rows of `prepare`, rows of row mode.
#include "tests/fuzz/messages.hpp"

#include <cstring>

#include "comm/messages.hpp"
#include "common/aligned_buffer.hpp"
#include "common/check.hpp"
#include "io/prepare/chunk.hpp"
#include "io/prepare/merge.hpp"
#include "ps/rows/row_sections.hpp"
#include "tests/fuzz/target.hpp"

namespace factorps::fuzz {
namespace {

/// A message that is accepted is the same again when it is sent on.
template <class Message>
void use_message(std::span<const std::byte> bytes) {
  const auto message = comm::decode<Message>(bytes);
  const auto again = comm::encode(message);
  FACTORPS_CHECK(comm::encode(comm::decode<Message>(again)) == again);
}

void use_chunk(std::span<const std::byte> bytes) {
  std::vector<Chunk> chunks;
  chunks.push_back(chunk_from_bytes(bytes));
  check_received(chunks.front());
  static_cast<void>(merge_chunks(std::move(chunks), 10, 1));
}

/// Sections lie where they arrived, at a multiple of eight.
void use_sections(std::span<const std::byte> bytes) {
  AlignedBuffer<std::byte> buffer{bytes.size()};
  if (!bytes.empty()) std::memcpy(buffer.data(), bytes.data(), bytes.size());
  std::vector<ps::RowTable> tables(2);
  tables[0].width = 3;
  tables[1].width = 1;
  std::uint64_t sum = 0;
  for (const ps::RowSection& section : ps::read_sections({buffer.data(), bytes.size()}, tables)) {
    for (const std::uint64_t row : section.rows) sum += row;
    const std::size_t size =
        section.rows.size() * tables[section.table].width * ps::value_bytes(section.kind);
    FACTORPS_CHECK(section.values + size <= buffer.data() + bytes.size());
  }
  static_cast<void>(sum);
}

void use(MessageInput kind, std::span<const std::byte> bytes) {
  switch (kind) {
    case MessageInput::start_pass:
      return use_message<comm::StartPass>(bytes);
    case MessageInput::strips_done:
      return use_message<comm::StripsDone>(bytes);
    case MessageInput::worker_done:
      return use_message<comm::WorkerDone>(bytes);
    case MessageInput::progress:
      return use_message<comm::Progress>(bytes);
    case MessageInput::command:
      return use_message<comm::Command>(bytes);
    case MessageInput::command_done:
      return use_message<comm::CommandDone>(bytes);
    case MessageInput::chunk:
      return use_chunk(bytes);
    case MessageInput::row_sections:
      return use_sections(bytes);
    case MessageInput::count:
      return;
  }
}

}  // namespace
}  // namespace factorps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps::fuzz;
  Input input{as_text(data, size)};
  const auto kind =
      static_cast<MessageInput>(input.below(static_cast<std::size_t>(MessageInput::count)));
  const auto rest = std::as_bytes(std::span{input.rest()});
  static_cast<void>(accepts([&] { use(kind, rest); }));
  return 0;
}
