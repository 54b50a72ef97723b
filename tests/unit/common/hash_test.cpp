#include "common/hash.hpp"

#include <gtest/gtest.h>

namespace factorps {
namespace {

std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.finish();
}

// FIPS 180-4 examples (NIST, "SHA256.pdf"), and a million letters a.
TEST(Sha256, GivesThePublishedAnswers) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnThePieces) {
  const std::string text(1000, 'x');
  Sha256 pieces;
  for (std::size_t at = 0; at < text.size(); at += 77) {
    pieces.update(std::string_view{text}.substr(at, 77));
  }
  EXPECT_EQ(pieces.finish(), sha256(text));
}

std::uint64_t xxh3(std::string_view text) { return checksum(std::as_bytes(std::span{text})); }

// XXH3_64bits of the empty input is published (xxHash 0.8, xxhash.h); the rest is frozen here,
// because files carry it.
TEST(Checksum, IsFrozen) {
  EXPECT_EQ(xxh3(""), 0x2d06800538d394c2U);
  EXPECT_EQ(xxh3("abc"), 0x78af5f94892f3950U);
  EXPECT_EQ(xxh3(std::string(5000, 'a')), 0x86bab6aca5d8f5e9U);
}

TEST(Checksum, DoesNotDependOnThePieces) {
  const std::string text(5000, 'a');
  const auto bytes = std::as_bytes(std::span{text});
  for (const std::size_t piece : {std::size_t{1}, std::size_t{63}, std::size_t{4999}}) {
    StreamChecksum stream;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      stream.update(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    }
    EXPECT_EQ(stream.value(), checksum(bytes));
  }
}

}  // namespace
}  // namespace factorps
