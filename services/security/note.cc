#include "services/security/note.h"

#include <array>
#include <span>
#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "services/security/crypto.h"
#include "services/security/handle.h"

namespace keyledger::security {
namespace {

using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using Context = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr char kEd25519 = 0x01;  ///< signed-note's signature type.
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kIdBytes = 4;
constexpr std::string_view kSignatureLine = "\xe2\x80\x94 ";  // An em dash and a space.

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// signed-note: the first four bytes of SHA-256 over name, line feed, type and public key.
std::string key_id(std::string_view name, std::string_view public_key) {
  std::string text(name);
  text.append(1, '\n').append(1, kEd25519).append(public_key);
  const Digest digest = sha256(text);
  return {reinterpret_cast<const char*>(digest.data()), kIdBytes};
}

std::string hex(std::string_view bytes) { return to_hex(std::as_bytes(std::span(bytes))); }

/// Text and signatures of a note.
struct Parts {
  std::string_view text;
  std::string_view signatures;
};

Result<Parts> split(std::string_view note) {
  const auto end = note.rfind("\n\n");
  if (end == note.npos || !note.ends_with('\n') || end + 2 == note.size()) {
    return fail(Errc::malformed, "it is no signed note: no signatures follow its text");
  }
  return Parts{note.substr(0, end + 1), note.substr(end + 2)};
}

struct VerifierKey {
  std::string_view name;
  std::string id;
  std::string public_key;
};

Result<VerifierKey> parse_verifier_key(std::string_view text) {
  const auto bad = [] {
    return fail(Errc::malformed, "that is no verifier key: NAME+HASH+KEY with an Ed25519 key");
  };
  const auto first = text.find('+');
  const auto second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos || first == 0) return bad();
  VerifierKey key;
  key.name = text.substr(0, first);
  const auto decoded = base64_decode(text.substr(second + 1));
  if (!decoded || decoded->size() != 1 + kKeyBytes || decoded->front() != kEd25519) return bad();
  key.public_key = decoded->substr(1);
  key.id = key_id(key.name, key.public_key);
  if (text.substr(first + 1, second - first - 1) != hex(key.id)) return bad();
  return key;
}

bool holds(std::string_view text, std::string_view signature, std::string_view public_key) {
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, unsigned_bytes(public_key),
                                            public_key.size()));
  const Context context(EVP_MD_CTX_new());
  if (!key || !context) throw std::runtime_error("OpenSSL can't verify with Ed25519");
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), unsigned_bytes(signature), signature.size(),
                          unsigned_bytes(text), text.size()) == 1;
}

}  // namespace

NoteSigner::NoteSigner(std::string name, std::string_view seed)
    : name_(std::move(name)), seed_(seed), public_key_(kKeyBytes, '\0') {
  const Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, unsigned_bytes(seed_), seed_.size()));
  std::size_t bytes = public_key_.size();
  auto* out = reinterpret_cast<unsigned char*>(public_key_.data());
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out, &bytes) != 1 || bytes != kKeyBytes) {
    throw std::runtime_error("OpenSSL can't use an Ed25519 key");
  }
}

NoteSigner::~NoteSigner() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

std::string NoteSigner::verifier_key() const {
  return name_ + '+' + hex(key_id(name_, public_key_)) + '+' +
         base64_encode(std::string(1, kEd25519) + public_key_);
}

std::string NoteSigner::sign(std::string_view text) const {
  const Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, unsigned_bytes(seed_), seed_.size()));
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t bytes = signature.size();
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  const bool is_signed =
      key && context &&
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), out, &bytes, unsigned_bytes(text), text.size()) == 1;
  if (!is_signed) throw std::runtime_error("OpenSSL can't sign with Ed25519");
  return std::string(text) + '\n' + std::string(kSignatureLine) + name_ + ' ' +
         base64_encode(key_id(name_, public_key_) + signature) + '\n';
}

Result<std::string> open_note(std::string_view note, std::string_view verifier_key) {
  const auto key = parse_verifier_key(verifier_key);
  if (!key) return fail(key.error());
  const auto parts = split(note);
  if (!parts) return fail(parts.error());
  const std::string prefix = std::string(kSignatureLine) + std::string(key->name) + ' ';
  std::string_view rest = parts->signatures;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!line.starts_with(prefix)) continue;
    const auto signature = base64_decode(line.substr(prefix.size()));
    if (!signature || !signature->starts_with(key->id)) continue;
    if (holds(parts->text, signature->substr(kIdBytes), key->public_key)) {
      return std::string(parts->text);
    }
    return fail(Errc::unauthenticated, "its signature by " + std::string(key->name) +
                                           " does not hold: it was changed, or never signed");
  }
  return fail(Errc::unauthenticated, "it has no signature by the key " + std::string(verifier_key));
}

}  // namespace keyledger::security
