#include "tests/services/security/forged_token.h"

#include <memory>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "services/security/crypto.h"
#include "services/security/handle.h"

namespace keyledger::security {
namespace {

using KeyPair = Handle<EVP_PKEY, EVP_PKEY_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Memory = Handle<BIO, BIO_free_all>;
using EcdsaSignature = Handle<ECDSA_SIG, ECDSA_SIG_free>;

void require(bool holds) {
  if (!holds) throw std::runtime_error("OpenSSL refused to forge a token");
}

std::string signing_input(std::string_view header, std::string_view claims) {
  return base64url_encode(header) + '.' + base64url_encode(claims);
}

/// SHA-256 and the key's own algorithm.
std::string sign(EVP_PKEY* key, std::string_view text) {
  const DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t length = 0;
  require(EVP_DigestSign(context.get(), nullptr, &length, bytes, text.size()) == 1);
  std::string signature(length, '\0');
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                         bytes, text.size()) == 1);
  signature.resize(length);
  return signature;
}

std::string sign_in_der(const std::string& private_pem, std::string_view text) {
  const Memory memory(BIO_new_mem_buf(private_pem.data(), static_cast<int>(private_pem.size())));
  const KeyPair key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  require(key != nullptr);
  return sign(key.get(), text);
}

/// r and s as 32 octets each.
std::string raw_of_der(const std::string& der) {
  const auto* next = reinterpret_cast<const unsigned char*>(der.data());
  const EcdsaSignature pair(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size())));
  require(pair != nullptr);
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  require(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out, 32) == 32);
  require(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out + 32, 32) == 32);
  return raw;
}

}  // namespace

std::string with_es256(const std::string& private_pem, std::string_view header,
                       std::string_view claims) {
  return with_signature(raw_of_der(sign_in_der(private_pem, signing_input(header, claims))), header,
                        claims);
}

std::string with_es256_in_der(const std::string& private_pem, std::string_view header,
                              std::string_view claims) {
  return with_signature(sign_in_der(private_pem, signing_input(header, claims)), header, claims);
}

std::string with_rs256(std::string_view header, std::string_view claims) {
  const KeyPair key(EVP_RSA_gen(2048));
  require(key != nullptr);
  return with_signature(sign(key.get(), signing_input(header, claims)), header, claims);
}

std::string with_hs256(std::string_view secret, std::string_view header, std::string_view claims) {
  const Digest digest = Hmac(secret)(signing_input(header, claims));
  return with_signature({reinterpret_cast<const char*>(digest.data()), digest.size()}, header,
                        claims);
}

std::string with_signature(std::string_view signature, std::string_view header,
                           std::string_view claims) {
  return signing_input(header, claims) + '.' + base64url_encode(signature);
}

}  // namespace keyledger::security
