#pragma once

#include <string>

#include "services/security/key_ring.h"

namespace keyledger::security {

/// A new P-256 key pair for ES256 (RFC 7518 §3.4), called `id`.
KeyRing::SigningKey make_signing_key(std::string id);

/// Whether both PEM texts are there, are of P-256, and belong together.
bool is_sound(const KeyRing::SigningKey& key);

}  // namespace keyledger::security
