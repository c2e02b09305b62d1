#pragma once

#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/security/key_ring.h"

namespace keyledger::security {

/// Seals a key value with AES-256-GCM under the ring's newest envelope key, bound (AAD) to account
/// and key. The bytes: a format octet, the length and text of the envelope key's id, 12 bytes
/// nonce, ciphertext, 16 bytes tag.
std::string seal(const KeyRing& ring, const AccountId& account, const KeyId& key,
                 std::string_view value);

/// Errors: damaged (altered, or of another account or key), incompatible (its envelope key isn't in
/// the ring).
Result<std::string> unseal(const KeyRing& ring, const AccountId& account, const KeyId& key,
                           std::string_view sealed);

/// The id of the envelope key that `sealed` was sealed with. Errors: damaged.
Result<std::string> envelope_key_of(std::string_view sealed);

}  // namespace keyledger::security
