#pragma once

#include <string>
#include <string_view>

namespace keyledger::security {

/// Compact JWSs (RFC 7515 §7.1) over whatever header and claims a test wants, made without the code
/// that it tests: header and claims are taken as they are, be they JSON or not.
///
/// With ES256 (RFC 7518 §3.4), by a P-256 key in PKCS #8.
std::string with_es256(const std::string& private_pem, std::string_view header,
                       std::string_view claims);

/// The same, but the signature is in DER, as OpenSSL makes it and JWS doesn't have it.
std::string with_es256_in_der(const std::string& private_pem, std::string_view header,
                              std::string_view claims);

/// With RS256 (RFC 7518 §3.3), by a new key.
std::string with_rs256(std::string_view header, std::string_view claims);

/// With HS256 (RFC 7518 §3.2).
std::string with_hs256(std::string_view secret, std::string_view header, std::string_view claims);

/// With `signature` as its last part, which is encoded here.
std::string with_signature(std::string_view signature, std::string_view header,
                           std::string_view claims);

}  // namespace keyledger::security
