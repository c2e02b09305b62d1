#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "events/events.h"
#include "events/log/event_log.h"

namespace keyledger {

/// When the first event of a Story happens.
inline constexpr Instant kStoryBegins =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::hours{11};

inline constexpr std::string_view kStoryLogId = "06DZ3K5V9QKZ3YF8S1W2X4T6B8";

/// The `n`-th of a row of ids that sort as their numbers.
std::string nth_unique_id(unsigned n);
KeyId nth_key_id(unsigned n);

/// 32 times the byte `fill`.
Digest digest_filled_with(unsigned char fill);

/// Makes the valid events of one log, one after the other: each with an id of its own, a
/// millisecond after the one before it, under the term of the last writer_elected(), and, if it is
/// about a key, with the version that its fact leaves the key at.
///
///     Story story;
///     const auto events = {story.ledger_created(), story.writer_elected(),
///                          story.account_registered(), story.key_created(nth_key_id(1))};
class Story {
 public:
  Event ledger_created();
  Event writer_elected(std::string_view node = "node-1");
  Event account_registered(std::string_view account = "acme",
                           std::string_view username = "ada@example.com");
  Event account_username_changed(std::string_view username, std::string_view account = "acme");

  /// Its key, where it has one, is told on from its version.
  Event event_quarantined(const EventQuarantined& fact);

  /// A key's digest and value hint differ from those of the keys made before it.
  Event key_created(const KeyId& key, std::string_view account = "acme",
                    std::string_view name = "build");
  Event key_created(const KeyCreated& fact, std::string_view account = "acme");

  /// A later fact about a key that this story has created.
  Event about(const KeyId& key, Fact fact);

  /// What one command about a key emitted: one command id, places 1/n to n/n, one time.
  std::vector<Event> command_about(const KeyId& key, std::vector<Fact> facts);

 private:
  struct Key {
    std::string account;
    Version version;
  };

  Event make(Fact fact);
  Event make(Fact fact, std::string_view account);
  std::string next_id() { return nth_unique_id(++ids_); }

  unsigned ids_ = 0;
  Instant now_ = kStoryBegins;
  Term term_;
  std::map<KeyId, Key> keys_;
};

/// encode() with kStoryLogId. Throws where that fails.
std::vector<std::string> encoded(const std::vector<Event>& events);

/// Appends `events`, encoded, in one batch and returns the log's end. Throws where that fails.
Position append_events(log::EventLog& log, const std::vector<Event>& events);

}  // namespace keyledger
