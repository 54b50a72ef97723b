#include "common/keyed_hash.hpp"

#include <array>
#include <new>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/check.hpp"
#include "common/hexadecimal.hpp"

namespace factorps {
namespace {

struct FreeMac {
  void operator()(EVP_MAC* owned) const noexcept { EVP_MAC_free(owned); }
  void operator()(EVP_MAC_CTX* owned) const noexcept { EVP_MAC_CTX_free(owned); }
};
using Context = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

constexpr std::size_t kBytes = 16;

Context new_context() {
  const std::unique_ptr<EVP_MAC, FreeMac> mac{EVP_MAC_fetch(nullptr, "BLAKE2BMAC", nullptr)};
  FACTORPS_CHECK(mac != nullptr);  // of libcrypto's default provider
  Context context{EVP_MAC_CTX_new(mac.get())};
  if (!context) throw std::bad_alloc{};
  return context;
}

}  // namespace

struct KeyedHash::Impl {
  Context context;  // wipes the key when it is freed
};

KeyedHash::KeyedHash(std::span<const std::byte> key, std::string_view purpose)
    : impl_{std::make_unique<Impl>(Impl{new_context()})} {
  FACTORPS_CHECK(!key.empty() && key.size() <= kMostKeyBytes);
  FACTORPS_CHECK(purpose.size() <= kMostPurposeBytes);
  std::size_t size = kBytes;
  std::string custom{purpose};
  const std::array params{
      OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, custom.data(), custom.size()),
      OSSL_PARAM_construct_end()};
  FACTORPS_CHECK(EVP_MAC_init(impl_->context.get(),
                              reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                              params.data()) == 1);
}

KeyedHash::KeyedHash(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

KeyedHash::KeyedHash(const KeyedHash& other)
    : KeyedHash{
          std::make_unique<Impl>(Impl{Context{EVP_MAC_CTX_dup(other.impl_->context.get())}})} {
  if (!impl_->context) throw std::bad_alloc{};
}

KeyedHash::KeyedHash(KeyedHash&& other) noexcept = default;

KeyedHash& KeyedHash::operator=(KeyedHash other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

KeyedHash::~KeyedHash() = default;

std::string KeyedHash::of(std::string_view text) const {
  EVP_MAC_CTX* context = impl_->context.get();
  std::array<std::byte, kBytes> digest{};
  std::size_t size = 0;
  // Begins again with the key that it has.
  FACTORPS_CHECK(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
  FACTORPS_CHECK(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()),
                                text.size()) == 1);
  FACTORPS_CHECK(EVP_MAC_final(context, reinterpret_cast<unsigned char*>(digest.data()), &size,
                               digest.size()) == 1);
  return hexadecimal(digest);
}

void wipe(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace factorps
