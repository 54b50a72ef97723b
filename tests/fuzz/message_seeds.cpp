#include <fstream>
#include <string_view>

#include "comm/messages.hpp"
#include "io/prepare/chunk.hpp"
#include "io/prepare/row_reader.hpp"
#include "ps/rows/row_sections.hpp"
#include "tests/fuzz/messages.hpp"
#include "tests/fuzz/target.hpp"

namespace factorps::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> some_chunk() {
  const InputFile file{"1,2,3\n1,5,4\nanna,tea,1\n1,7,2\n2,2,1\n"};
  RowReader reader{RowRules{}};
  TextLayout layout;
  layout.value = 2;
  reader.read({file.path(), layout, 0, ~std::uint64_t{0}});
  return to_bytes(reader.release());
}

std::vector<std::byte> some_sections() {
  std::vector<std::byte> bytes(ps::section_bytes(ps::RowValues::narrow, 3, 2) +
                               ps::section_bytes(ps::RowValues::none, 1, 1));
  std::byte* at = bytes.data();
  const auto first = ps::open_section(at, 0, ps::RowValues::narrow, 3, 2);
  first.rows[1] = 1;
  static_cast<void>(ps::open_section(at, 1, ps::RowValues::none, 1, 1));
  return bytes;
}

}  // namespace

void write_message_seeds(const fs::path& directory) {
  fs::create_directories(directory / "messages");
  const auto write = [&](MessageInput kind, const std::vector<std::byte>& bytes) {
    const auto number = static_cast<unsigned char>(kind);
    std::ofstream out{directory / "messages" / ("message-" + std::to_string(number)),
                      std::ios::binary};
    out << static_cast<char>(number)
        << std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  };
  write(MessageInput::start_pass, comm::encode(comm::StartPass{}));
  write(
      MessageInput::strips_done,
      comm::encode(comm::StripsDone{1, {0, 1}, std::vector<double>(16, 0.5), 7, 8, {1, 2, 3}, {}}));
  write(MessageInput::worker_done, comm::encode(comm::WorkerDone{}));
  write(MessageInput::progress, comm::encode(comm::Progress{1, 2}));
  write(MessageInput::command,
        comm::encode(comm::Command{comm::CommandKind::save, "runs/a", "{}", {"shard-000.h5"}}));
  write(MessageInput::command_done,
        comm::encode(comm::CommandDone{comm::CommandKind::save, {{"shard", 1, 2}}, "ab", "", 0}));
  write(MessageInput::chunk, some_chunk());
  write(MessageInput::row_sections, some_sections());
}

}  // namespace factorps::fuzz
