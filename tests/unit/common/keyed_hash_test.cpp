#include "common/keyed_hash.hpp"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

std::vector<std::byte> key_of(unsigned char first) {
  std::vector<std::byte> key;
  for (unsigned char n = 0; n < 32; ++n)
    key.push_back(std::byte{static_cast<unsigned char>(first + n)});
  return key;
}

// hashlib.blake2b(text, key=bytes(range(32)), digest_size=16, person=purpose padded with zeros)
TEST(KeyedHash, IsThatOfPython) {
  const KeyedHash users{key_of(0), "factorps users"};
  EXPECT_EQ(users.of("anna"), "4980793a90e3b8ee44106ac22412f8e8");
  EXPECT_EQ(users.of(""), "794c2b6b8f8d683afbcd21cc7dbfd96c");
  EXPECT_EQ(users.of("anna"), "4980793a90e3b8ee44106ac22412f8e8");
  EXPECT_EQ((KeyedHash{key_of(0), "factorps items"}.of("anna")),
            "9fd54a501fbbe336046293b3c2cf417f");
}

TEST(KeyedHash, DependsOnTheKey) {
  EXPECT_NE((KeyedHash{key_of(0), "x"}.of("anna")), (KeyedHash{key_of(1), "x"}.of("anna")));
}

TEST(KeyedHash, CopiesHashAlike) {
  KeyedHash one{key_of(0), "x"};
  const KeyedHash copy = one;
  one = KeyedHash{key_of(1), "x"};
  EXPECT_EQ(copy.of("anna"), (KeyedHash{key_of(0), "x"}.of("anna")));
  EXPECT_EQ(one.of("anna"), (KeyedHash{key_of(1), "x"}.of("anna")));
}

TEST(KeyedHash, AWipedTextIsEmpty) {
  std::string text = "secret";
  wipe(text);
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace factorps
