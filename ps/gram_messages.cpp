#include "ps/gram_messages.hpp"

#include <cstring>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kMost = std::size_t{60} << 10;  // bytes, if there is more than one row

struct Header {
  std::uint32_t users = 0;  ///< whether it is that of the users
  std::uint32_t part = 0;
  std::uint32_t first = 0;
  std::uint32_t rows = 0;
};

/// What is stored of a row begins here.
std::size_t first_column(const GramSums& sums, std::size_t row) {
  return row / sums.tile * sums.tile;
}

std::size_t bytes_of_row(const GramSums& sums, std::size_t row) {
  return (sums.stride - first_column(sums, row)) * sizeof(double);
}

std::size_t end_of_message(const GramSums& sums, std::size_t first) {
  std::size_t bytes = sizeof(Header) + bytes_of_row(sums, first);
  for (++first; first < sums.stride; ++first) {
    bytes += bytes_of_row(sums, first);
    if (bytes > kMost) break;
  }
  return first;
}

std::byte* place_of(const GramSums& sums, std::size_t part, std::size_t row) {
  return reinterpret_cast<std::byte*>(sums.parts.data() + (part * sums.stride + row) * sums.stride +
                                      first_column(sums, row));
}

}  // namespace

std::vector<std::vector<std::byte>> gram_messages(const GramSums& sums, Side side,
                                                  std::uint32_t part) {
  std::vector<std::vector<std::byte>> messages;
  for (std::size_t row = 0; row < sums.stride;) {
    const std::size_t end = end_of_message(sums, row);
    const Header header{side == Side::users, part, static_cast<std::uint32_t>(row),
                        static_cast<std::uint32_t>(end - row)};
    auto& body = messages.emplace_back(sizeof header);
    std::memcpy(body.data(), &header, sizeof header);
    for (; row < end; ++row) {
      const std::byte* from = place_of(sums, part, row);
      body.insert(body.end(), from, from + bytes_of_row(sums, row));
    }
  }
  return messages;
}

std::uint64_t gram_message_bytes(const GramSums& sums) {
  std::uint64_t bytes = 0;
  for (std::size_t row = 0; row < sums.stride;) {
    bytes += sizeof(Header);
    for (const std::size_t end = end_of_message(sums, row); row < end; ++row) {
      bytes += bytes_of_row(sums, row);
    }
  }
  return bytes;
}

std::uint64_t take_gram_message(std::span<const std::byte> body, const GramSums& users,
                                const GramSums& items) {
  Header header;
  if (body.size() < sizeof header) throw ProtocolError{"server: sums are cut off"};
  std::memcpy(&header, body.data(), sizeof header);
  const GramSums& sums = header.users != 0 ? users : items;
  const std::size_t end = std::size_t{header.first} + header.rows;
  if (header.part >= kGramParts || end > sums.stride) {
    throw ProtocolError{"server: sums of no known part"};
  }
  body = body.subspan(sizeof header);
  for (std::size_t row = header.first; row < end; ++row) {
    const std::size_t bytes = bytes_of_row(sums, row);
    if (bytes > body.size()) throw ProtocolError{"server: sums are cut off"};
    std::memcpy(place_of(sums, header.part, row), body.data(), bytes);
    body = body.subspan(bytes);
  }
  return header.rows;
}

}  // namespace factorps::ps
