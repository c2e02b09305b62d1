#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "services/security/crypto.h"
#include "services/security/key_ring.h"
#include "services/security/signing_key.h"

namespace keyledger::security {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::size_t kSecretBytes = 32;

Json symmetric_keys_json(const std::vector<KeyRing::SymmetricKey>& keys) {
  Json list = Json::array();
  for (const KeyRing::SymmetricKey& key : keys) {
    list.push_back({{"id", key.id}, {"secret", base64url_encode(key.secret)}});
  }
  return list;
}

std::optional<std::string> text_of(const Json& json, const char* member) {
  const auto found = json.find(member);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::string> secret_of(const Json& json, const char* member) {
  const auto text = text_of(json, member);
  if (!text) return std::nullopt;
  auto secret = base64url_decode(*text);
  if (!secret || secret->size() != kSecretBytes) return std::nullopt;
  return *std::move(secret);
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

std::optional<KeyRing::SymmetricKey> symmetric_key_of(const Json& json) {
  const auto id = text_of(json, "id");
  const auto secret = secret_of(json, "secret");
  if (!id || !is_id(*id) || !secret) return std::nullopt;
  return KeyRing::SymmetricKey{*id, *secret};
}

std::optional<KeyRing::SigningKey> signing_key_of(const Json& json) {
  const auto id = text_of(json, "id");
  const auto private_pem = text_of(json, "private");
  const auto public_pem = text_of(json, "public");
  if (!id || !is_id(*id) || !private_pem || !public_pem) return std::nullopt;
  KeyRing::SigningKey key{*id, *private_pem, *public_pem};
  if (!is_sound(key)) return std::nullopt;
  return key;
}

/// The keys in the array `member`, each read by `read_one`; nothing if there is none, a bad one or
/// an id twice.
template <typename Key>
std::optional<std::vector<Key>> keys_of(const Json& json, const char* member,
                                        std::optional<Key> (*read_one)(const Json&)) {
  const auto list = json.find(member);
  if (list == json.end() || !list->is_array() || list->empty()) return std::nullopt;
  std::vector<Key> keys;
  for (const Json& item : *list) {
    auto key = item.is_object() ? read_one(item) : std::nullopt;
    if (!key || std::ranges::find(keys, key->id, &Key::id) != keys.end()) return std::nullopt;
    keys.push_back(*std::move(key));
  }
  return keys;
}

std::unexpected<Error> bad(const std::string& what) {
  return fail(Errc::incompatible, "it is not a key ring that this program can use: " + what);
}

}  // namespace

std::string KeyRing::to_json() const {
  Json json = {{"format", kFormat}, {"pepper", base64url_encode(pepper_)}};
  if (can_issue()) {
    json["idempotency"] = base64url_encode(idempotency_secret_);
    json["envelope"] = symmetric_keys_json(envelope_keys_);
    json["cursor"] = symmetric_keys_json(cursor_keys_);
    Json& signing = json["signing"] = Json::array();
    for (const SigningKey& key : signing_keys_) {
      signing.push_back({{"id", key.id}, {"private", key.private_pem}, {"public", key.public_pem}});
    }
    if (!checkpoint_seed_.empty()) json["checkpoint"] = base64url_encode(checkpoint_seed_);
  }
  return json.dump(2) + '\n';
}

Result<KeyRing> KeyRing::from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return bad("it is not a JSON object");
  const auto format = json.find("format");
  if (format == json.end() || !format->is_number_integer() || *format != kFormat) {
    return bad("its format is not 1");
  }
  KeyRing ring;
  auto pepper = secret_of(json, "pepper");
  if (!pepper) return bad("its pepper is not 32 bytes in base64url");
  ring.pepper_ = *std::move(pepper);
  const bool pepper_alone = !json.contains("idempotency") && !json.contains("envelope") &&
                            !json.contains("cursor") && !json.contains("signing");
  if (pepper_alone) return ring;

  auto idempotency = secret_of(json, "idempotency");
  if (!idempotency) return bad("its idempotency secret is not 32 bytes in base64url");
  ring.idempotency_secret_ = *std::move(idempotency);
  auto envelope = keys_of(json, "envelope", symmetric_key_of);
  if (!envelope) return bad("its envelope keys are not a list of ids and 32-byte secrets");
  ring.envelope_keys_ = *std::move(envelope);
  auto cursor = keys_of(json, "cursor", symmetric_key_of);
  if (!cursor) return bad("its cursor keys are not a list of ids and 32-byte secrets");
  ring.cursor_keys_ = *std::move(cursor);
  auto signing = keys_of(json, "signing", signing_key_of);
  if (!signing) return bad("its signing keys are not a list of ids and matching P-256 key pairs");
  ring.signing_keys_ = *std::move(signing);
  if (json.contains("checkpoint")) {
    auto seed = secret_of(json, "checkpoint");
    if (!seed) return bad("its checkpoint key is not 32 bytes in base64url");
    ring.checkpoint_seed_ = *std::move(seed);
  }
  return ring;
}

}  // namespace keyledger::security
