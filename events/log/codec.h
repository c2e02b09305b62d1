#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "events/events.h"
#include "events/result.h"

namespace keyledger::log {

/// The bytes of an event: a CloudEvent 1.0 in structured JSON mode (CloudEvents JSON Event Format
/// v1.0), the same in every log, in the history and on the feed. `log_id` goes into `source`.
///
/// Errors: internal, when decode() would not give `event` back: it would be longer than
/// kMaxEventBytes, holds text that is not UTF-8, or lacks what its fact needs (id and a place; for
/// all but the ledger's own facts account and command; for facts about a key the key id, of which a
/// KeyCreated has the same, and a version).
Result<std::string> encode(const Event& event, std::string_view log_id);

/// An event whose type this program does not know and that is not marked `critical`: it is kept in
/// the history, and changes nothing else.
struct UnknownEvent {
  std::string type;   ///< As stored, e.g. "keyledger.KeyShared".
  CommandId command;  ///< Empty if it has none.
  Place place;
  Term term;
  Instant time;
  std::optional<AccountId> account;
  std::optional<KeyId> key;  ///< The subject, where that is a key id.
};

using DecodedEvent = std::variant<Event, UnknownEvent>;

/// Reads what encode() wrote, now or years ago: unknown members are ignored, and names,
/// descriptions and other texts are taken as they are, whatever today's rules for them say.
///
/// Errors: damaged, when the bytes are no event, lack something that is needed, have a member
/// twice, or are of an unknown type that is marked `critical`; the text says what.
Result<DecodedEvent> decode(std::string_view bytes);

/// decode() for many events: keeps the parser and its memory between calls. Not thread-safe: one
/// for each thread.
class Decoder {
 public:
  Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  /// As the free function. The result does not refer to `bytes` or to this decoder.
  Result<DecodedEvent> decode(std::string_view bytes);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace keyledger::log
