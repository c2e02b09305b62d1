#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::security {

/// A secret per use (design §7). The pepper, the idempotency secret and the checkpoint key are made
/// once and never rotate; envelope, cursor and signing keys are renewed by rotate(), which keeps
/// the retired ones for reading.
///
/// On disk: a JSON file of mode 0600, written beside and renamed into place, synced.
///
/// A ring that is in use takes over what rotate() made of its file: adopt(). What its accessors
/// gave out stays as it was, and is good while the ring or a copy of it is there. Thread safety:
/// const members and adopt(), from any thread.
class KeyRing {
 public:
  struct SymmetricKey {
    std::string id;      ///< Short, unique in the ring; stands in what the key made.
    std::string secret;  ///< 32 bytes.
  };
  struct SigningKey {
    std::string id;           ///< The JWT's `kid`.
    std::string private_pem;  ///< PKCS #8, P-256.
    std::string public_pem;   ///< SubjectPublicKeyInfo.
  };

  static KeyRing generate();

  KeyRing(const KeyRing&) = default;
  KeyRing(KeyRing&&) noexcept = default;
  KeyRing& operator=(const KeyRing&) = default;
  KeyRing& operator=(KeyRing&&) noexcept = default;
  ~KeyRing();  ///< Overwrites the secrets.

  /// Errors: not_found, incompatible (not a key ring; readable by others than its owner: says
  /// `chmod 600 FILE`), io.
  static Result<KeyRing> load(const std::filesystem::path& file);

  /// Never overwrites with init semantics: `exclusive` refuses (unavailable) when the file is
  /// there.
  Result<void> save(const std::filesystem::path& file, bool exclusive) const;

  /// The text of the file that save() makes.
  std::string to_json() const;

  /// A ring with the pepper alone, for nodes that only validate.
  KeyRing for_verification() const;

  /// Puts a new envelope, cursor and signing key first, and makes a checkpoint key where there is
  /// none. Changes nothing in a ring with the pepper alone.
  void rotate();

  /// Takes away the envelope keys that aren't the newest and aren't `used`, and returns their ids.
  std::vector<std::string> drop_envelope_keys(const std::set<std::string>& used);

  /// Takes away all signing and cursor keys but the newest, and returns their ids. What they made
  /// holds no more.
  std::vector<std::string> drop_token_keys();

  /// From now on this ring, and all copies of it, have the envelope, cursor and signing keys of
  /// `newer`. Errors: incompatible, where pepper or idempotency secret are others, or where one of
  /// the rings is for validation alone.
  Result<void> adopt(KeyRing newer);

  /// Makes a checkpoint key in a ring of before there were any. Whether it did.
  bool add_checkpoint_key();

  bool can_issue() const;  ///< False for a ring with the pepper alone.
  const std::string& pepper() const { return pepper_; }
  const std::string& idempotency_secret() const { return idempotency_secret_; }
  // Newest first; two calls may give two lists, where adopt() was called in between.
  const std::vector<SymmetricKey>& envelope_keys() const { return current().envelope_keys_; }
  const std::vector<SymmetricKey>& cursor_keys() const { return current().cursor_keys_; }
  const std::vector<SigningKey>& signing_keys() const { return current().signing_keys_; }

  /// The seed, of 32 bytes, of the Ed25519 key by which the log's checkpoints are known (design
  /// §9). Empty in a ring with the pepper alone, and in one of before there were any.
  const std::string& checkpoint_seed() const { return checkpoint_seed_; }

  /// Tells peppers apart without telling the pepper: the first 32 hex digits of an HMAC under it.
  std::string pepper_fingerprint() const;

 private:
  struct Adopted;

  KeyRing();

  /// This, or what it adopted last.
  const KeyRing& current() const;

  /// What to_json() wrote. Errors: incompatible, without a word of the text.
  static Result<KeyRing> from_json(std::string_view text);

  std::string pepper_;
  std::string idempotency_secret_;
  std::string checkpoint_seed_;
  std::vector<SymmetricKey> envelope_keys_;
  std::vector<SymmetricKey> cursor_keys_;
  std::vector<SigningKey> signing_keys_;
  std::shared_ptr<Adopted> adopted_;  ///< Shared with copies.
};

}  // namespace keyledger::security
