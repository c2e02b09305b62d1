#include "services/security/key_set.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "services/security/crypto.h"
#include "services/security/handle.h"

namespace keyledger::security {
namespace {

using Json = nlohmann::json;
using Number = Handle<BIGNUM, BN_free>;
using PublicKey = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Signature = Handle<ECDSA_SIG, ECDSA_SIG_free>;
using Builder = Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = Handle<OSSL_PARAM, OSSL_PARAM_free>;

constexpr std::string_view kRs256 = "RS256";
constexpr std::string_view kEs256 = "ES256";
constexpr std::size_t kCoordinateBytes = 32;
constexpr int kMinRsaBits = 2048;
/// What a check costs grows with the square of it.
constexpr int kMaxRsaBits = 8192;
constexpr std::size_t kMaxExponentBytes = 4;

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// A member's text; empty where it is absent or no text.
std::string text_of(const Json& jwk, const char* name) {
  const auto found = jwk.find(name);
  return found != jwk.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// Whether the key may check signatures with `algorithm` (RFC 7517 §4.2 to §4.4).
bool is_for(const Json& jwk, std::string_view algorithm) {
  if (jwk.contains("alg") && jwk["alg"] != algorithm) return false;
  if (jwk.contains("use") && jwk["use"] != "sig") return false;
  const auto operations = jwk.find("key_ops");
  if (operations == jwk.end()) return true;
  return operations->is_array() && std::ranges::find(*operations, "verify") != operations->end();
}

PublicKey make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return PublicKey(key);
}

PublicKey rsa_key(const Json& jwk) {
  const auto modulus = base64url_decode(text_of(jwk, "n"));
  const auto exponent = base64url_decode(text_of(jwk, "e"));
  if (!modulus || !exponent || modulus->size() > kMaxRsaBits / 8 ||
      exponent->size() > kMaxExponentBytes) {
    return nullptr;
  }
  const Number n(BN_bin2bn(octets(*modulus), static_cast<int>(modulus->size()), nullptr));
  const Number e(BN_bin2bn(octets(*exponent), static_cast<int>(exponent->size()), nullptr));
  // An exponent of 1 would make every text its own signature.
  if (!n || !e || BN_num_bits(n.get()) < kMinRsaBits || !BN_is_odd(e.get()) || BN_is_one(e.get())) {
    return nullptr;
  }
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return make_key("RSA", builder.get());
}

PublicKey p256_key(const Json& jwk) {
  const auto x = base64url_decode(text_of(jwk, "x"));
  const auto y = base64url_decode(text_of(jwk, "y"));
  if (text_of(jwk, "crv") != "P-256" || !x || !y || x->size() != kCoordinateBytes ||
      y->size() != kCoordinateBytes) {
    return nullptr;
  }
  const std::string point = "\x04" + *x + *y;  // SEC 1 §2.3.3, uncompressed.
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  PublicKey key = make_key("EC", builder.get());
  if (!key) return nullptr;
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  // Whether the point is one of the curve.
  return context && EVP_PKEY_public_check(context.get()) == 1 ? std::move(key) : nullptr;
}

/// JWS's r and s (RFC 7518 §3.4) as OpenSSL takes them; nothing if there aren't as many bytes.
std::optional<std::string> der_of(std::string_view signature) {
  if (signature.size() != 2 * kCoordinateBytes) return std::nullopt;
  const Signature made(ECDSA_SIG_new());
  Number r(BN_bin2bn(octets(signature), kCoordinateBytes, nullptr));
  Number s(BN_bin2bn(octets(signature.substr(kCoordinateBytes)), kCoordinateBytes, nullptr));
  if (!made || !r || !s) return std::nullopt;
  ECDSA_SIG_set0(made.get(), r.release(), s.release());  // It owns both, and fails for none alone.
  unsigned char* der = nullptr;
  const int bytes = i2d_ECDSA_SIG(made.get(), &der);
  if (bytes <= 0) return std::nullopt;
  std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(bytes));
  OPENSSL_free(der);
  return text;
}

std::unexpected<Error> refuse(std::string why) { return fail(Errc::malformed, std::move(why)); }

}  // namespace

struct KeySet::Key {
  std::string id;
  std::string_view algorithm;
  PublicKey key;
};

KeySet::KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;
KeySet::~KeySet() = default;

Result<KeySet> KeySet::parse(std::string_view json) {
  if (json.size() > kMaxBytes) return refuse("the JWK Set is longer than 256 KiB");
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("keys") || !document["keys"].is_array()) {
    return refuse("this is no JWK Set: a JSON object with an array 'keys'");
  }
  if (document["keys"].size() > kMaxKeys) return refuse("the JWK Set has more than 100 keys");
  KeySet set;
  for (const Json& jwk : document["keys"]) {
    if (!jwk.is_object()) return refuse("a key of the JWK Set is no JSON object");
    const std::string type = text_of(jwk, "kty");
    const std::string_view algorithm = type == "RSA" ? kRs256 : kEs256;
    auto key = std::make_unique<Key>();
    key->id = text_of(jwk, "kid");
    key->algorithm = algorithm;
    if (key->id.empty() || (type != "RSA" && type != "EC") || !is_for(jwk, algorithm)) continue;
    key->key = type == "RSA" ? rsa_key(jwk) : p256_key(jwk);
    ERR_clear_error();
    if (!key->key) continue;
    if (set.contains(key->id)) return refuse("the JWK Set has two keys of the id " + key->id);
    set.keys_.push_back(std::move(key));
  }
  if (set.keys_.empty()) return refuse("the JWK Set has no key for RS256 or ES256 with an id");
  return set;
}

bool KeySet::contains(std::string_view key_id) const {
  return std::ranges::any_of(keys_, [key_id](const auto& key) { return key->id == key_id; });
}

bool KeySet::verify(std::string_view key_id, std::string_view algorithm, std::string_view message,
                    std::string_view signature) const {
  const auto found =
      std::ranges::find_if(keys_, [key_id](const auto& key) { return key->id == key_id; });
  if (found == keys_.end() || (*found)->algorithm != algorithm) return false;
  std::string bytes(signature);
  if (algorithm == kEs256) {
    auto der = der_of(signature);
    if (!der) return false;
    bytes = std::move(*der);
  }
  const DigestContext context(EVP_MD_CTX_new());
  const bool holds = context &&
                     EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr,
                                          (*found)->key.get()) == 1 &&
                     EVP_DigestVerify(context.get(), octets(bytes), bytes.size(), octets(message),
                                      message.size()) == 1;
  ERR_clear_error();
  return holds;
}

}  // namespace keyledger::security
