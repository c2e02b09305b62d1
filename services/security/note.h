#pragma once

#include <string>
#include <string_view>

#include "events/result.h"

namespace keyledger::security {

// Signed notes (https://c2sp.org/signed-note) with Ed25519 signatures (RFC 8032).

/// Signs texts under a name. Immutable; any thread.
class NoteSigner {
 public:
  /// `name` is not empty, and has no space and no plus sign; `seed` is 32 bytes, the private key.
  NoteSigner(std::string name, std::string_view seed);
  NoteSigner(const NoteSigner&) = default;
  NoteSigner(NoteSigner&&) = default;
  NoteSigner& operator=(const NoteSigner&) = default;
  NoteSigner& operator=(NoteSigner&&) = default;
  ~NoteSigner();  ///< Overwrites the seed.

  /// What a verifier needs, in the form of signed-note: `name+12345678+base64`.
  std::string verifier_key() const;

  /// The note of `text`, which ends with a line feed. The same text always gives the same note.
  std::string sign(std::string_view text) const;

 private:
  std::string name_;
  std::string seed_;
  std::string public_key_;
};

/// The text of `note`, signed by the holder of `verifier_key`; other signatures on it are ignored.
///
/// Errors: malformed (it is no note, or that is no verifier key), unauthenticated (no signature of
/// that key's, or one that doesn't hold).
Result<std::string> open_note(std::string_view note, std::string_view verifier_key);

}  // namespace keyledger::security
