#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "events/log/codec.h"
#include "events/time.h"
#include "tests/contract/codec_words.h"
#include "tests/support/events.h"

namespace keyledger::log {
namespace {

/// Text with everything in it that JSON or UTF-8 make special.
std::string any_text() {
  const auto piece = rc::gen::element<std::string>(
      "a", "word", "\"", "\\", "/", "\n", "\t", "\r", "\b", "\f", std::string(1, '\0'), "\x01",
      "\x1F", "\x7F", "\\u0041", "é", "…", "\u2028", "\uFEFF", "\uFFFF", "漢", "🔑", "👩‍💻",
      "{}", "\":\"", "<script>", "' OR 1=1");
  std::string text;
  for (const std::string& next : *rc::gen::container<std::vector<std::string>>(piece)) text += next;
  return text;
}

std::string any_filled_text() { return "x" + any_text(); }

template <typename T>
std::optional<T> maybe(T value) {
  return *rc::gen::arbitrary<bool>() ? std::optional<T>(std::move(value)) : std::nullopt;
}

/// Between the years 0000 and 9999.
Instant any_instant() {
  static const Instant first = *parse_instant("0000-01-01T00:00:00Z");
  static const Instant last = *parse_instant("9999-12-31T23:59:59.999999Z");
  return Instant{std::chrono::microseconds{*rc::gen::inRange<std::int64_t>(
      first.time_since_epoch().count(), last.time_since_epoch().count())}};
}

Digest any_digest() {
  Digest digest;
  for (std::byte& byte : digest)
    byte = static_cast<std::byte>(*rc::gen::arbitrary<unsigned char>());
  return digest;
}

std::optional<Description> any_description() { return maybe(Description{any_text()}); }

EventQuarantined any_quarantine(const KeyId& key) {
  EventQuarantined fact;
  fact.first.value = *rc::gen::inRange<std::uint64_t>(1, UINT64_MAX / 2);
  fact.last.value = fact.first.value + *rc::gen::inRange<std::uint64_t>(0, 65'535);
  fact.account = maybe(AccountId{"acme"});
  if (fact.account) fact.key = maybe(key);
  if (fact.key)
    fact.version.value = *rc::gen::element(1U, std::numeric_limits<std::uint32_t>::max());
  return fact;
}

Fact any_fact(const KeyId& key) {
  const std::array<Fact, 13> facts{
      LedgerCreated{any_text(), any_text()},
      WriterElected{any_text(), any_text()},
      AccountRegistered{Username{any_text()}},
      AccountUsernameChanged{Username{any_text()}},
      KeyCreated{key, KeyName{any_text()}, any_description(), *rc::gen::arbitrary<bool>(),
                 maybe(any_instant()), any_digest(), any_text()},
      KeyEnabled{},
      KeyDisabled{},
      KeyRenamed{KeyName{any_text()}},
      KeyDescribed{any_description()},
      KeyExpiryChanged{maybe(any_instant())},
      KeyDeleted{},
      KeyValueRevealed{},
      any_quarantine(key)};
  static_assert(facts.size() == std::variant_size_v<Fact>);
  return facts[*rc::gen::inRange<std::size_t>(0, facts.size())];
}

Event any_event() {
  const KeyId key = nth_key_id(*rc::gen::inRange<unsigned>(0, 1'000'000));
  Event event;
  event.fact = any_fact(key);
  event.id = any_filled_text();
  event.time = any_instant();
  event.account = AccountId{*rc::gen::element<std::string>("acme", "A-1._", std::string(64, 'z'))};
  if (is_about_a_key(event.fact)) {
    event.key = key;
    event.version = {*rc::gen::element(1U, 2U, 77U, std::numeric_limits<std::uint32_t>::max())};
  }
  event.term = Term{any_text()};
  event.command = CommandId{any_filled_text()};
  event.place.count = *rc::gen::element<std::uint16_t>(1, 2, 65'535);
  event.place.index = *rc::gen::element<std::uint16_t>(1, event.place.count);
  event.idempotency = maybe(Idempotency{any_text(), any_text()});
  event.traceparent = any_text();
  event.actor = {any_text(), any_text(), any_text(), any_text(), any_text()};
  event.reason = maybe(Reason{any_text()});
  return event;
}

TEST(CodecProperties, AnyEvent_IsReadBackAsItWas_InOneLine) {
  EXPECT_TRUE(rc::check([] {
    const Event event = any_event();
    const auto bytes = encode(event, any_text());
    RC_ASSERT(bytes.has_value());
    RC_ASSERT(
        std::ranges::none_of(*bytes, [](char c) { return static_cast<unsigned char>(c) < 32; }));
    const auto decoded = decode(*bytes);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(std::holds_alternative<Event>(*decoded));
    RC_ASSERT(std::get<Event>(*decoded) == event);
  }));
}

TEST(CodecProperties, AnyEvent_HasTheSameBytesAfterBeingRead) {
  EXPECT_TRUE(rc::check([] {
    const std::string bytes = encoded_or_throw(any_event());
    RC_ASSERT(encoded_or_throw(decoded_event(bytes)) == bytes);
  }));
}

/// `bytes` with some of them changed, left out, doubled or swapped with others.
std::string mutated(std::string bytes) {
  const int changes = *rc::gen::inRange(1, 5);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    const auto length = *rc::gen::inRange<std::size_t>(0, bytes.size() - at + 1);
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        bytes[at] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 3:
        std::rotate(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end());
        break;
      default:
        bytes[at] = *rc::gen::elementOf(std::string("{}[]\",:0123456789-+.eE\\utfn \n"));
    }
  }
  return bytes;
}

TEST(CodecProperties, AnyMutatedBytes_AreDecodedOrDamaged) {
  Decoder decoder;
  EXPECT_TRUE(rc::check([&] {
    constexpr int kMutations = 20;
    const std::string original = encoded_or_throw(any_event());
    for (int i = 0; i < kMutations; ++i) {
      const std::string bytes = mutated(original);
      const auto again = decode(bytes);
      const auto decoded = decoder.decode(bytes);
      RC_ASSERT(decoded.has_value() == again.has_value());
      if (!decoded) RC_ASSERT(decoded.error().code == Errc::damaged);
    }
  }));
}

TEST(CodecProperties, AnyBytes_AreDecodedOrDamaged) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    const auto decoded = decode(bytes);
    if (!decoded) RC_ASSERT(decoded.error().code == Errc::damaged);
  }));
}

}  // namespace
}  // namespace keyledger::log
