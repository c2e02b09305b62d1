#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.h"

namespace keyledger::security {

/// The public keys of somebody who signs tokens: a JWK Set (RFC 7517) of which the keys for RS256
/// (RSA, 2048 to 8192 bits) and ES256 (P-256) are taken, RFC 7518 §3.3 and §3.4. Others are passed
/// over: symmetric ones, those that are for encryption, those for another algorithm.
///
/// Immutable. Thread safety: all members, from any thread.
class KeySet {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
  static constexpr std::size_t kMaxKeys = 100;

  /// Errors: malformed, for what is no JWK Set, is longer than kMaxBytes, has more than kMaxKeys
  /// keys, has a key id twice, or has no key that can be used.
  static Result<KeySet> parse(std::string_view json);

  KeySet(KeySet&&) noexcept;
  KeySet& operator=(KeySet&&) noexcept;
  ~KeySet();

  /// Whether there is a key with this id.
  bool contains(std::string_view key_id) const;

  /// Whether `signature` is that of `message` by the key `key_id` with `algorithm`, which must be
  /// the very one that the key is for: a token doesn't choose it.
  bool verify(std::string_view key_id, std::string_view algorithm, std::string_view message,
              std::string_view signature) const;

 private:
  struct Key;
  KeySet();

  std::vector<std::unique_ptr<const Key>> keys_;
};

}  // namespace keyledger::security
