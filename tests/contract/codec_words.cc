#include "tests/contract/codec_words.h"

#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "events/log/codec.h"
#include "tests/support/events.h"

namespace keyledger::log {

Event a_creation() {
  const KeyId key{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B2"};
  Event event;
  event.id = "06DZ3K5V9QKZ3YF8S1W2X4T6B1";
  event.time = kStoryBegins + std::chrono::microseconds{1};
  event.account = AccountId{"acme"};
  event.key = key;
  event.version = Version{1};
  event.term = Term{"06DZ3K5V9QKZ3YF8S1W2X4T6B3"};
  event.command = CommandId{"06DZ3K5V9QKZ3YF8S1W2X4T6B4"};
  event.place = {2, 3};
  event.idempotency = Idempotency{std::string(64, 'a'), std::string(64, 'b')};
  event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  event.actor = {"user-ada", "ada@example.com", "192.0.2.7", "", "r-1"};
  event.reason = Reason{"for \"CI\""};
  event.fact = KeyCreated{key,
                          KeyName{"bücher \\ 🔑"},
                          Description{"one\n\ttwo\x01"},
                          false,
                          kStoryBegins + std::chrono::hours{1},
                          digest_filled_with(0xAB),
                          "kl_…a1B2"};
  return event;
}

std::vector<Event> one_event_of_every_type() {
  Story story;
  const KeyId key = nth_key_id(1);
  std::vector<Event> events = {
      story.ledger_created(),     story.writer_elected(),
      story.account_registered(), story.account_username_changed("bob@example.com"),
      story.key_created(key),     a_creation()};
  for (const Fact& fact : {Fact{KeyEnabled{}}, Fact{KeyDisabled{}}, Fact{KeyRenamed{{"new"}}},
                           Fact{KeyDescribed{Description{"notes"}}}, Fact{KeyDescribed{}},
                           Fact{KeyExpiryChanged{kStoryBegins}}, Fact{KeyExpiryChanged{}},
                           Fact{KeyValueRevealed{}}, Fact{KeyDeleted{}}}) {
    events.push_back(story.about(key, fact));
  }
  events.push_back(story.event_quarantined({{7}, {8}, AccountId{"acme"}, key, {3}}));
  return events;
}

std::string encoded_or_throw(const Event& event) { return encoded({event}).front(); }

Event decoded_event(std::string_view bytes) {
  auto decoded = decode(bytes);
  if (!decoded) throw std::runtime_error(decoded.error().message);
  return std::get<Event>(std::move(*decoded));
}

void expect_not_encoded(const Event& event) {
  const auto bytes = encode(event, kStoryLogId);
  ASSERT_FALSE(bytes) << *bytes;
  EXPECT_EQ(bytes.error().code, Errc::internal) << bytes.error().message;
}

std::string expect_damaged(std::string_view bytes) {
  const auto decoded = decode(bytes);
  if (decoded) {
    ADD_FAILURE() << "was decoded: " << bytes;
    return {};
  }
  EXPECT_EQ(decoded.error().code, Errc::damaged) << decoded.error().message;
  return decoded.error().message;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error(std::string(from) + " is not in " + text);
  return text.replace(at, from.size(), to);
}

std::string with_first(std::string object, std::string_view members) {
  return replaced(std::move(object), "{", "{" + std::string(members) + ",");
}

std::string without(std::string json, std::string_view name) {
  const std::string quoted = '"' + std::string(name);
  return replaced(std::move(json), quoted + "\":", quoted + "_not\":");
}

}  // namespace keyledger::log
