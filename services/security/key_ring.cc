#include "services/security/key_ring.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

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

/// Takes away all but the first of `keys` that `may_go`, and adds their ids to `gone`.
template <typename Key, typename MayGo>
void drop(std::vector<Key>& keys, MayGo may_go, std::vector<std::string>& gone) {
  for (auto key = keys.begin(); key != keys.end();) {
    if (key == keys.begin() || !may_go(key->id)) {
      ++key;
    } else {
      gone.push_back(key->id);
      key = keys.erase(key);
    }
  }
}

}  // namespace

/// What a ring took over, all of it: somebody may still look at what isn't the newest.
struct KeyRing::Adopted {
  std::atomic<const KeyRing*> newest{nullptr};
  std::mutex mutex;
  std::vector<std::unique_ptr<const KeyRing>> all;  ///< Guarded by mutex.
};

KeyRing::KeyRing() : adopted_(std::make_shared<Adopted>()) {}

const KeyRing& KeyRing::current() const {
  const KeyRing* const newest =
      adopted_ ? adopted_->newest.load(std::memory_order_acquire) : nullptr;
  return newest != nullptr ? *newest : *this;
}

Result<void> KeyRing::adopt(KeyRing newer) {
  if (newer.can_issue() != can_issue()) {
    return fail(Errc::incompatible, "one of the key rings is for validation alone");
  }
  if (!equal_in_constant_time(newer.pepper_, pepper_) ||
      !equal_in_constant_time(newer.idempotency_secret_, idempotency_secret_)) {
    return fail(Errc::incompatible,
                "it is another key ring: its pepper or idempotency secret isn't this one's");
  }
  if (!checkpoint_seed_.empty() &&
      !equal_in_constant_time(newer.checkpoint_seed_, checkpoint_seed_)) {
    return fail(Errc::incompatible, "it is another key ring: its checkpoint key isn't this one's");
  }
  auto taken = std::make_unique<const KeyRing>(std::move(newer));
  const std::scoped_lock lock(adopted_->mutex);
  adopted_->newest.store(taken.get(), std::memory_order_release);
  adopted_->all.push_back(std::move(taken));
  return {};
}

std::vector<std::string> KeyRing::drop_envelope_keys(const std::set<std::string>& used) {
  std::vector<std::string> gone;
  drop(envelope_keys_, [&used](const std::string& id) { return !used.contains(id); }, gone);
  return gone;
}

std::vector<std::string> KeyRing::drop_token_keys() {
  std::vector<std::string> gone;
  const auto any = [](const std::string&) { return true; };
  drop(signing_keys_, any, gone);
  drop(cursor_keys_, any, gone);
  return gone;
}

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
