#include "services/security/key_ring.h"

#include <algorithm>
#include <array>
#include <span>

#include <openssl/crypto.h>

#include "services/security/crypto.h"
#include "services/security/signing_key.h"

namespace keyledger::security {
namespace {

std::string new_secret() {
  std::string secret(32, '\0');
  random_bytes(std::as_writable_bytes(std::span(secret)));
  return secret;
}

/// An id that no key in `keys` has.
template <typename Key>
std::string new_id(const std::vector<Key>& keys) {
  for (;;) {
    std::array<std::byte, 6> bytes;
    random_bytes(bytes);
    std::string id = to_hex(bytes);
    if (std::ranges::find(keys, id, &Key::id) == keys.end()) return id;
  }
}

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

}  // namespace

KeyRing::~KeyRing() {
  wipe(pepper_);
  wipe(idempotency_secret_);
  wipe(checkpoint_seed_);
  for (SymmetricKey& key : envelope_keys_) wipe(key.secret);
  for (SymmetricKey& key : cursor_keys_) wipe(key.secret);
  for (SigningKey& key : signing_keys_) wipe(key.private_pem);
}

KeyRing KeyRing::generate() {
  KeyRing ring;
  ring.pepper_ = new_secret();
  ring.idempotency_secret_ = new_secret();
  ring.envelope_keys_.push_back({new_id(ring.envelope_keys_), new_secret()});
  ring.cursor_keys_.push_back({new_id(ring.cursor_keys_), new_secret()});
  ring.signing_keys_.push_back(make_signing_key(new_id(ring.signing_keys_)));
  ring.add_checkpoint_key();
  return ring;
}

KeyRing KeyRing::for_verification() const {
  KeyRing ring;
  ring.pepper_ = pepper_;
  return ring;
}

void KeyRing::rotate() {
  if (!can_issue()) return;
  envelope_keys_.insert(envelope_keys_.begin(), {new_id(envelope_keys_), new_secret()});
  cursor_keys_.insert(cursor_keys_.begin(), {new_id(cursor_keys_), new_secret()});
  signing_keys_.insert(signing_keys_.begin(), make_signing_key(new_id(signing_keys_)));
  add_checkpoint_key();
}

bool KeyRing::add_checkpoint_key() {
  if (!can_issue() || !checkpoint_seed_.empty()) return false;
  checkpoint_seed_ = new_secret();
  return true;
}

bool KeyRing::can_issue() const { return !signing_keys_.empty(); }

std::string KeyRing::pepper_fingerprint() const {
  return to_hex(Hmac(pepper_)("keyledger pepper fingerprint")).substr(0, 32);
}

}  // namespace keyledger::security
