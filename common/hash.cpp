#include "common/hash.hpp"

#include <array>
#include <new>

#include <openssl/evp.h>
#define XXH_INLINE_ALL  // the packaged library is built without the vector paths
#include <xxhash.h>

#include "common/check.hpp"
#include "common/hexadecimal.hpp"

namespace factorps {

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string hexadecimal(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

struct StreamChecksum::Impl {
  XXH3_state_t state;
};

StreamChecksum::StreamChecksum() : impl_{std::make_unique<Impl>()} {
  XXH3_64bits_reset(&impl_->state);
}
StreamChecksum::~StreamChecksum() = default;
void StreamChecksum::update(std::span<const std::byte> bytes) noexcept {
  XXH3_64bits_update(&impl_->state, bytes.data(), bytes.size());
}
std::uint64_t StreamChecksum::value() const noexcept { return XXH3_64bits_digest(&impl_->state); }

struct Sha256::Impl {
  struct Free {
    void operator()(EVP_MD_CTX* owned) const noexcept { EVP_MD_CTX_free(owned); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : impl_{std::make_unique<Impl>()} {
  if (!impl_->context) throw std::bad_alloc{};
  FACTORPS_CHECK(EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  FACTORPS_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> digest{};
  FACTORPS_CHECK(EVP_DigestFinal_ex(impl_->context.get(), digest.data(), nullptr) == 1);
  return hexadecimal(std::as_bytes(std::span{digest}));
}

}  // namespace factorps
