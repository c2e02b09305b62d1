#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.h"

namespace keyledger {

/// An instant as events carry it: UTC, microseconds.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

/// An event's place in the log, from 1 on. 0 is before everything. Gaps are allowed.
struct Position {
  std::uint64_t value = 0;
  auto operator<=>(const Position&) const = default;
};

/// How many events have changed a key: 1 at its creation. Reading its value does not count.
struct Version {
  std::uint32_t value = 0;
  auto operator<=>(const Version&) const = default;
};

/// The tenant's id: `[A-Za-z0-9._-]{1,64}`, chosen by the caller's identity system.
struct AccountId {
  std::string value;
  static Result<AccountId> parse(std::string_view text);
  auto operator<=>(const AccountId&) const = default;
};

/// A sign-in name: 1–254 bytes of UTF-8, no `:` and no control characters.
struct Username {
  std::string value;
  static Result<Username> parse(std::string_view text);
  auto operator<=>(const Username&) const = default;
};

/// Whether two usernames are the same without regard to ASCII case.
bool same_username(std::string_view left, std::string_view right);

/// `key_` and a UniqueId.
struct KeyId {
  std::string value;
  static Result<KeyId> parse(std::string_view text);
  auto operator<=>(const KeyId&) const = default;
};

/// A key's friendly name: 1–200 characters (Unicode scalar values), no control characters.
struct KeyName {
  std::string value;
  static Result<KeyName> parse(std::string_view text);
  auto operator<=>(const KeyName&) const = default;
};

/// Notes about a key: up to 2,000 characters, no control characters but line feed and tab.
struct Description {
  std::string value;
  static Result<Description> parse(std::string_view text);
  auto operator<=>(const Description&) const = default;
};

/// Why somebody did something, in their words: 1–500 characters, no control characters.
struct Reason {
  std::string value;
  static Result<Reason> parse(std::string_view text);
  auto operator<=>(const Reason&) const = default;
};

/// HMAC-SHA-256 of a key value under the deployment's pepper: the only form of a secret that events
/// and read models hold.
using Digest = std::array<std::byte, 32>;

/// The id of the `WriterElected` event under which an event was written. Empty before the first.
struct Term {
  std::string value;
  auto operator<=>(const Term&) const = default;
};

/// Names one command; every event that it emitted carries it. A UniqueId.
struct CommandId {
  std::string value;
  auto operator<=>(const CommandId&) const = default;
};

/// Who did something, and from where. What the log holds of it is permanent.
struct Actor {
  std::string subject;     ///< The token's `sub`; `keyledger` for the service itself.
  std::string username;    ///< May be empty.
  std::string address;     ///< The client's address without port; may be empty.
  std::string user_agent;  ///< At most 256 bytes of valid UTF-8; may be empty.
  std::string request_id;  ///< Also in the answer and in the logs.
  bool operator==(const Actor&) const = default;
};

}  // namespace keyledger
