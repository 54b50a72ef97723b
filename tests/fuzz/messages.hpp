/// Messages between ranks as fuzz inputs: a byte that says which reader, then its bytes.
#pragma once

#include <filesystem>

namespace factorps::fuzz {

enum class MessageInput : unsigned char {
  start_pass,
  strips_done,
  worker_done,
  progress,
  command,
  command_done,
  chunk,         ///< of rows, on their way to rank 0 of prepare
  row_sections,  ///< pulled or pushed
  count
};

/// One of each kind, in DIRECTORY/messages.
void write_message_seeds(const std::filesystem::path& directory);

}  // namespace factorps::fuzz
