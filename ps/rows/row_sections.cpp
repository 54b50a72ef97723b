#include "ps/rows/row_sections.hpp"

#include <cstring>

#include "common/aligned_buffer.hpp"
#include "common/error.hpp"

namespace factorps::ps {
namespace {

struct SectionHeader {
  std::uint32_t table = 0;
  RowValues kind = RowValues::none;
  std::uint64_t rows = 0;
};

constexpr std::size_t kUnit = sizeof(std::uint64_t);

}  // namespace

std::size_t value_bytes(RowValues kind) noexcept {
  if (kind == RowValues::none) return 0;
  return kind == RowValues::wide ? sizeof(double) : sizeof(float);
}

std::size_t section_bytes(RowValues kind, std::size_t width, std::uint64_t rows) noexcept {
  return sizeof(SectionHeader) + rows * kUnit + round_up(rows * width * value_bytes(kind), kUnit);
}

/// Each message but the last is at least half full and splits one section at most.
std::size_t room_for_pieces(std::size_t bytes, std::size_t pushes,
                            std::size_t message_bytes) noexcept {
  return bytes + (2 * bytes / message_bytes + pushes) * (sizeof(SectionHeader) + kUnit);
}

std::vector<RowSection> read_sections(std::span<const std::byte> bytes,
                                      const std::vector<RowTable>& tables) {
  std::vector<RowSection> sections;
  while (!bytes.empty()) {
    SectionHeader header;
    if (bytes.size() < sizeof header) throw ProtocolError{"rows: a section is cut off"};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.table >= tables.size() || header.kind > RowValues::none ||
        header.rows > bytes.size() / kUnit) {
      throw ProtocolError{"rows: a section of no known table or kind"};
    }
    const std::size_t size = section_bytes(header.kind, tables[header.table].width, header.rows);
    if (size > bytes.size()) throw ProtocolError{"rows: a section is cut off"};
    const std::byte* rows = bytes.data() + sizeof header;
    sections.push_back({header.table,
                        header.kind,
                        {reinterpret_cast<const std::uint64_t*>(rows), header.rows},
                        rows + header.rows * kUnit});
    bytes = bytes.subspan(size);
  }
  return sections;
}

OpenSection open_section(std::byte*& at, std::uint32_t table, RowValues kind, std::size_t width,
                         std::uint64_t rows) {
  const SectionHeader header{table, kind, rows};
  std::memcpy(at, &header, sizeof header);
  std::byte* keys = at + sizeof header;
  at += section_bytes(kind, width, rows);
  return {reinterpret_cast<std::uint64_t*>(keys), keys + rows * kUnit};
}

}  // namespace factorps::ps
