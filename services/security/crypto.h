#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::security {

/// Fills `out` from OpenSSL's CSPRNG. Throws std::runtime_error when there is no randomness.
void random_bytes(std::span<std::byte> out);

/// Randomness for what needn't be kept secret, such as ids and nonces: drawn many at a time, since
/// asking OpenSSL's generator costs more than what it gives. Each draw is given out once. Any
/// thread. As random_bytes().
template <typename T>
T public_random() {
  static_assert(std::is_trivially_copyable_v<T>);
  static thread_local std::array<T, 64> drawn;
  static thread_local std::size_t used = drawn.size();
  if (used == drawn.size()) {
    random_bytes(std::as_writable_bytes(std::span(drawn)));
    used = 0;
  }
  return drawn[used++];
}

/// Whether both are equal, in time that depends on their lengths only.
bool equal_in_constant_time(std::string_view left, std::string_view right);

std::string to_hex(std::span<const std::byte> bytes);
std::string base64url_encode(std::string_view bytes);         ///< RFC 4648 §5, no padding.
Result<std::string> base64url_decode(std::string_view text);  ///< Errors: malformed.
std::string base64_encode(std::string_view bytes);            ///< RFC 4648 §4, padded.
Result<std::string> base64_decode(
    std::string_view text);  ///< RFC 4648 §4, padded. Errors: malformed.

/// HMAC-SHA-256 (RFC 2104) under one fixed key, with the key's blocks hashed once. Any thread.
class Hmac {
 public:
  explicit Hmac(std::string_view key);
  Digest operator()(std::string_view message) const;

 private:
  // The SHA-256 states after the inner and the outer key block; opaque here.
  alignas(8) std::byte inner_[112];
  alignas(8) std::byte outer_[112];
};

Digest sha256(std::string_view message);

}  // namespace keyledger::security
