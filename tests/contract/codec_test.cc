#include "events/log/codec.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/event_log.h"
#include "tests/contract/codec_words.h"
#include "tests/support/events.h"

namespace keyledger::log {
namespace {

using testing::HasSubstr;

// What one event's bytes are, and what is refused. For any event at all: codec_properties_test.cc.

TEST(Codec, AnEventOfEveryType_IsReadBackAsItWas) {
  for (const Event& event : one_event_of_every_type()) {
    const std::string bytes = encoded_or_throw(event);
    const auto decoded = decode(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message << "\n" << bytes;
    ASSERT_TRUE(std::holds_alternative<Event>(*decoded)) << bytes;
    EXPECT_EQ(std::get<Event>(*decoded), event) << bytes;
  }
}

TEST(Codec, ADecoderThatIsUsedAgain_KeepsNothingOfTheEventBefore) {
  Decoder decoder;
  for (int time = 0; time < 2; ++time) {
    for (const Event& event : one_event_of_every_type()) {
      std::string bytes = encoded_or_throw(event);
      const auto decoded = decoder.decode(bytes);
      bytes.assign(bytes.size(), '#');
      ASSERT_TRUE(decoded) << decoded.error().message;
      EXPECT_EQ(std::get<Event>(*decoded), event);
      EXPECT_FALSE(decoder.decode("{"));
    }
  }
}

TEST(Codec, ADecoderThatWasMoved_Decodes) {
  Decoder first;
  const std::string bytes = encoded_or_throw(a_creation());
  ASSERT_TRUE(first.decode(bytes));
  Decoder second(std::move(first));
  EXPECT_TRUE(second.decode(bytes));
  Decoder third;
  third = std::move(second);
  EXPECT_TRUE(third.decode(bytes));
}

TEST(Codec, ACreation_HasTheseBytes) {
  EXPECT_EQ(
      encoded_or_throw(a_creation()),
      R"({"specversion":"1.0","id":"06DZ3K5V9QKZ3YF8S1W2X4T6B1",)"
      R"("source":"urn:keyledger:06DZ3K5V9QKZ3YF8S1W2X4T6B8","type":"keyledger.KeyCreated",)"
      R"("subject":"key_06DZ3K5V9QKZ3YF8S1W2X4T6B2","time":"2026-11-24T11:00:00.000001Z",)"
      R"("datacontenttype":"application/json","dataschema":"urn:keyledger:schema:KeyCreated:1",)"
      R"("account":"acme","keyversion":1,"term":"06DZ3K5V9QKZ3YF8S1W2X4T6B3",)"
      R"("commandid":"06DZ3K5V9QKZ3YF8S1W2X4T6B4","commandplace":"2/3",)"
      R"("idempotencykey":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
      R"("requesthash":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",)"
      R"("partitionkey":"acme",)"
      R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",)"
      R"("data":{"actor":{"subject":"user-ada","username":"ada@example.com",)"
      R"("address":"192.0.2.7","request_id":"r-1"},"reason":"for \"CI\"",)"
      R"("name":"bücher \\ 🔑","description":"one\n\ttwo\u0001","enabled":false,)"
      R"("expires_at":"2026-11-24T12:00:00.000000Z",)"
      R"("digest":"abababababababababababababababababababababababababababababababab",)"
      R"("value_hint":"kl_…a1B2"}})");
}

TEST(Codec, AnEventOfTheLedgerItself_HasTheseBytes) {
  Event event;
  event.id = "06DZ3K5V9QKZ3YF8S1W2X4T6B1";
  event.time = kStoryBegins;
  event.actor.subject = "keyledger";
  event.fact = LedgerCreated{std::string(kStoryLogId), "5a5a"};
  EXPECT_EQ(
      encoded_or_throw(event),
      R"({"specversion":"1.0","id":"06DZ3K5V9QKZ3YF8S1W2X4T6B1",)"
      R"("source":"urn:keyledger:06DZ3K5V9QKZ3YF8S1W2X4T6B8","type":"keyledger.LedgerCreated",)"
      R"("time":"2026-11-24T11:00:00.000000Z","datacontenttype":"application/json",)"
      R"("dataschema":"urn:keyledger:schema:LedgerCreated:1","commandplace":"1/1",)"
      R"("data":{"actor":{"subject":"keyledger"},"log_id":"06DZ3K5V9QKZ3YF8S1W2X4T6B8",)"
      R"("pepper_fingerprint":"5a5a"}})");
}

TEST(Codec, AQuarantine_IsCriticalAndHasTheseBytes) {
  Event event;
  event.id = "06DZ3K5V9QKZ3YF8S1W2X4T6B1";
  event.time = kStoryBegins;
  event.command = CommandId{"06DZ3K5V9QKZ3YF8S1W2X4T6B2"};
  event.actor.subject = "uid:0";
  event.reason = Reason{"broken"};
  event.fact = EventQuarantined{{7}, {8}, AccountId{"acme"}, nth_key_id(1), {3}};
  const std::string bytes = encoded_or_throw(event);
  EXPECT_EQ(
      bytes,
      R"({"specversion":"1.0","id":"06DZ3K5V9QKZ3YF8S1W2X4T6B1",)"
      R"("source":"urn:keyledger:06DZ3K5V9QKZ3YF8S1W2X4T6B8","type":"keyledger.EventQuarantined",)"
      R"("time":"2026-11-24T11:00:00.000000Z","datacontenttype":"application/json",)"
      R"("dataschema":"urn:keyledger:schema:EventQuarantined:1",)"
      R"("commandid":"06DZ3K5V9QKZ3YF8S1W2X4T6B2","commandplace":"1/1","critical":true,)"
      R"("data":{"actor":{"subject":"uid:0"},"reason":"broken","position":7,"last_position":8,)"
      R"("account":"acme","key":")" +
          nth_key_id(1).value + R"(","keyversion":3}})");
  EXPECT_EQ(decoded_event(bytes), event);
  for (const auto& [from, to] : std::vector<std::pair<const char*, const char*>>{
           {"\"position\":7", "\"position\":0"},
           {"\"position\":7", "\"position\":9"},
           {"\"account\":\"acme\"", "\"account\":\"a/b\""},
           {"\"key\":\"key_", "\"key\":\"kay_"},
           {"\"keyversion\":3", "\"keyversion\":0"},
           {"\"account\":", "\"acount\":"},
           {"\"keyversion\":", "\"version\":"}}) {
    EXPECT_NE(expect_damaged(replaced(bytes, from, to)), "") << from;
  }
}

TEST(Encode, OfAQuarantineThatLacksSomething_IsRefused) {
  const AccountId acme{"acme"};
  const KeyId key = nth_key_id(1);
  for (const EventQuarantined& fact :
       {EventQuarantined{{0}, {1}, acme, key, {3}}, EventQuarantined{{2}, {1}, acme, key, {3}},
        EventQuarantined{{1}, {1}, {}, key, {3}}, EventQuarantined{{1}, {1}, acme, key, {}},
        EventQuarantined{{1}, {1}, acme, {}, {3}},
        EventQuarantined{{1}, {1}, AccountId{"/"}, {}, {}},
        EventQuarantined{{1}, {1}, acme, KeyId{"key"}, {3}}}) {
    expect_not_encoded(Story().event_quarantined(fact));
  }
}

TEST(Encode, OfAnEventOfTheGreatestLength_Succeeds_AndOfOneByteMore_DoesNot) {
  Event event = a_creation();
  const std::size_t without_name =
      encoded_or_throw(event).size() - std::get<KeyCreated>(event.fact).name.value.size() - 1;
  auto& name = std::get<KeyCreated>(event.fact).name.value;
  name.assign(kMaxEventBytes - without_name, 'x');
  EXPECT_EQ(encoded_or_throw(event).size(), kMaxEventBytes);
  name += 'x';
  expect_not_encoded(event);
}

TEST(Encode, OfTextThatIsNotUtf8_IsRefused) {
  for (const std::string text : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\xC3"}) {
    Event event = a_creation();
    std::get<KeyCreated>(event.fact).name.value = text;
    expect_not_encoded(event);
  }
}

TEST(Encode, OfAnEventThatLacksSomething_IsRefused) {
  const std::vector<std::pair<const char*, std::function<void(Event&)>>> spoilings = {
      {"id", [](Event& event) { event.id.clear(); }},
      {"place", [](Event& event) { event.place = {0, 1}; }},
      {"place", [](Event& event) { event.place = {3, 2}; }},
      {"account", [](Event& event) { event.account.reset(); }},
      {"command", [](Event& event) { event.command.value.clear(); }},
      {"key", [](Event& event) { event.key.reset(); }},
      {"key", [](Event& event) { event.key = nth_key_id(9); }},
      {"version", [](Event& event) { event.version = Version{}; }},
  };
  for (const auto& [what, spoil] : spoilings) {
    Event event = a_creation();
    spoil(event);
    SCOPED_TRACE(what);
    expect_not_encoded(event);
  }
}

TEST(Encode, OfAKeyWhereTheFactIsAboutNone_IsRefused) {
  Event event = Story().account_registered();
  event.version = Version{1};
  expect_not_encoded(event);
  event.key = nth_key_id(1);
  expect_not_encoded(event);
}

TEST(Encode, OfIdsThatWouldNotBeReadBack_IsRefused) {
  Event event = a_creation();
  event.account = AccountId{"no account!"};
  expect_not_encoded(event);

  event = a_creation();
  event.key = KeyId{"key_?"};
  std::get<KeyCreated>(event.fact).key = *event.key;
  expect_not_encoded(event);
}

TEST(Encode, OfATimeThatWouldNotBeReadBack_IsRefused) {
  Event event = a_creation();
  event.time = std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1};
  expect_not_encoded(event);

  event = a_creation();
  std::get<KeyCreated>(event.fact).expires_at =
      std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1};
  expect_not_encoded(event);
}

TEST(Decode, OfWhatIsNoJsonObject_IsDamaged) {
  for (const char* text : {"", " ", "{", "}", "null", "17", "\"text\"", "[]", "not JSON", "{}x",
                           "{\"a\":}", "\xFF", "{\"specversion\":\"\xFF\"}"}) {
    expect_damaged(text);
  }
  const std::string whole = encoded_or_throw(a_creation());
  expect_damaged(whole + "{}");
  for (std::size_t size = 0; size < whole.size(); ++size) expect_damaged(whole.substr(0, size));
}

TEST(Decode, OfDeepNesting_IsDamaged) {
  for (const std::size_t depth : {10U, 1'000U, 30'000U}) {
    expect_damaged(std::string(depth, '['));
    std::string objects;
    for (std::size_t i = 0; i < depth; ++i) objects += "{\"data\":";
    expect_damaged(objects);
  }
}

TEST(Decode, WithoutAMemberThatIsNeeded_IsDamagedAndNamesIt) {
  for (const char* member : {"specversion", "id", "type", "subject", "time", "dataschema",
                             "account", "keyversion", "commandid", "commandplace"}) {
    EXPECT_THAT(expect_damaged(without(encoded_or_throw(a_creation()), member)), HasSubstr(member));
  }
  for (const char* member :
       {"name", "description", "enabled", "expires_at", "digest", "value_hint"}) {
    EXPECT_THAT(expect_damaged(without(encoded_or_throw(a_creation()), member)), HasSubstr(member));
  }
}

TEST(Decode, WithHalfAnIdempotency_IsDamaged) {
  expect_damaged(without(encoded_or_throw(a_creation()), "idempotencykey"));
  expect_damaged(without(encoded_or_throw(a_creation()), "requesthash"));
}

TEST(Decode, WithAMemberTwice_IsDamagedAndNamesIt) {
  const std::string whole = encoded_or_throw(a_creation());
  for (const char* member : {R"("id":"another")", R"("type":"keyledger.KeyDeleted")",
                             R"("commandid":"another")", R"("data":{})"}) {
    EXPECT_THAT(expect_damaged(with_first(whole, member)), HasSubstr("twice")) << member;
  }
  EXPECT_THAT(
      expect_damaged(replaced(whole, R"("enabled":false)", R"("enabled":false,"enabled":true)")),
      HasSubstr("'enabled' is there twice"));
  EXPECT_THAT(expect_damaged(replaced(whole, R"("address":)", R"("address":"x","address":)")),
              HasSubstr("'address' is there twice"));
}

TEST(Decode, WithAMemberOfAnotherType_IsDamagedAndNamesIt) {
  const std::string whole = encoded_or_throw(a_creation());
  const std::vector<std::array<const char*, 3>> changes = {
      {"specversion", R"("specversion":"1.0")", R"("specversion":1.0)"},
      {"specversion", R"("specversion":"1.0")", R"("specversion":"0.3")"},
      {"id", R"("id":"06DZ3K5V9QKZ3YF8S1W2X4T6B1")", R"("id":7)"},
      {"id", R"("id":"06DZ3K5V9QKZ3YF8S1W2X4T6B1")", R"("id":"")"},
      {"type", R"("type":"keyledger.KeyCreated")", R"("type":null)"},
      {"type", R"("type":"keyledger.KeyCreated")", R"("type":"")"},
      {"subject", R"("subject":"key_06)", R"("subject":"yek_06)"},
      {"time", R"("time":"2026-11-24T11)", R"("time":"2026-11-24 11)"},
      {"dataschema", "KeyCreated:1", "KeyCreated:2"},
      {"account", R"("account":"acme")", R"("account":"a b")"},
      {"account", R"("account":"acme")", R"("account":null)"},
      {"keyversion", R"("keyversion":1)", R"("keyversion":"1")"},
      {"keyversion", R"("keyversion":1)", R"("keyversion":0)"},
      {"keyversion", R"("keyversion":1)", R"("keyversion":-1)"},
      {"keyversion", R"("keyversion":1)", R"("keyversion":1.5)"},
      {"keyversion", R"("keyversion":1)", R"("keyversion":4294967296)"},
      {"keyversion", R"("keyversion":1)", R"("keyversion":99999999999999999999)"},
      {"commandid", R"("commandid":"06DZ3K5V9QKZ3YF8S1W2X4T6B4")", R"("commandid":"")"},
      {"commandplace", R"("commandplace":"2/3")", R"("commandplace":"4/3")"},
      {"commandplace", R"("commandplace":"2/3")", R"("commandplace":"0/3")"},
      {"commandplace", R"("commandplace":"2/3")", R"("commandplace":"2")"},
      {"commandplace", R"("commandplace":"2/3")", R"("commandplace":"2/")"},
      {"commandplace", R"("commandplace":"2/3")", R"("commandplace":"2/3/4")"},
      {"commandplace", R"("commandplace":"2/3")", R"("commandplace":"2/65536")"},
      {"actor", R"("actor":{)", R"("actor":1,"_":{)"},
      {"address", R"("address":"192.0.2.7")", R"("address":7)"},
      {"reason", R"("reason":"for \"CI\"")", R"("reason":false)"},
      {"enabled", R"("enabled":false)", R"("enabled":"false")"},
      {"expires_at", R"("expires_at":"2026-11-24T12)", R"("expires_at":"tomorrow 12)"},
      {"digest", R"("digest":"ab)", R"("digest":"zz)"},
      {"digest", R"("digest":"ab)", R"("digest":")"},
      {"digest", R"("digest":"ab)", R"("digest":"abab)"},
      {"digest", R"("digest":"ab)", R"("digest":"+1)"},
  };
  for (const auto& [member, from, to] : changes) {
    if (std::string_view(to).find("99999") != std::string_view::npos) {
      expect_damaged(replaced(whole, from, to));
      continue;
    }
    EXPECT_THAT(expect_damaged(replaced(whole, from, to)), HasSubstr(member)) << to;
  }
}

TEST(Decode, WithMembersThatItDoesNotKnow_IgnoresThem) {
  const Event event = a_creation();
  const std::string more = R"("future":{"deep":[1,{"id":"x"},null]},"critical":true)";
  std::string bytes = with_first(encoded_or_throw(event), more);
  bytes = replaced(bytes, R"("data":{)", R"("data":{"colour":"blue","type":7,)");
  bytes = replaced(bytes, R"("actor":{)", R"("actor":{"mood":null,)");
  EXPECT_EQ(decoded_event(bytes), event);
}

TEST(Decode, OfMembersInAnotherOrderAndWithSpaces_ReadsTheSame) {
  const Event event = Story().account_registered();
  std::string bytes = encoded_or_throw(event);
  const std::string id = R"("id":")" + event.id + "\",";
  bytes = replaced(bytes, id, "");
  bytes = " " + replaced(bytes, R"(,"data":)", " , \n" + id + R"( "data" : )") + "\n";
  EXPECT_EQ(decoded_event(bytes), event);
}

TEST(Decode, OfTextsThatTodaysRulesForbid_TakesThem) {
  Event event = a_creation();
  auto& fact = std::get<KeyCreated>(event.fact);
  fact.name.value = "";
  fact.description->value = std::string(3'000, 'x') + '\0';
  event.reason->value = "";
  EXPECT_EQ(decoded_event(encoded_or_throw(event)), event);
}

TEST(Decode, OfATimeWithAnOffset_IsInUtc) {
  const Event event = a_creation();
  const std::string bytes =
      replaced(encoded_or_throw(event), R"("time":"2026-11-24T11:00:00.000001Z")",
               R"("time":"2026-11-24T12:00:00.000001+01:00")");
  EXPECT_EQ(decoded_event(bytes), event);
}

TEST(Decode, OfAnUnknownType_GivesAnUnknownEvent) {
  const Event event = a_creation();
  const std::string bytes =
      replaced(encoded_or_throw(event), "keyledger.KeyCreated", "keyledger.KeyShared");
  const auto decoded = decode(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_TRUE(std::holds_alternative<UnknownEvent>(*decoded));
  const auto& unknown = std::get<UnknownEvent>(*decoded);
  EXPECT_EQ(unknown.type, "keyledger.KeyShared");
  EXPECT_EQ(unknown.command, event.command);
  EXPECT_EQ(unknown.place, event.place);
  EXPECT_EQ(unknown.term, event.term);
  EXPECT_EQ(unknown.time, event.time);
  EXPECT_EQ(unknown.account, event.account);
  EXPECT_EQ(unknown.key, event.key);
}

TEST(Decode, OfAnUnknownTypeWithLittleElse_GivesAnUnknownEvent) {
  const auto decoded =
      decode(R"({"specversion":"1.0","type":"org.example.Thing","time":"2026-11-24T11:00:00Z",)"
             R"("subject":"no key","critical":false})");
  ASSERT_TRUE(decoded) << decoded.error().message;
  const auto& unknown = std::get<UnknownEvent>(*decoded);
  EXPECT_EQ(unknown.type, "org.example.Thing");
  EXPECT_EQ(unknown.time, kStoryBegins);
  EXPECT_EQ(unknown.command, CommandId{});
  EXPECT_EQ(unknown.place, Place{});
  EXPECT_EQ(unknown.account, std::nullopt);
  EXPECT_EQ(unknown.key, std::nullopt);
}

TEST(Decode, OfAKnownNameWithoutThePrefix_IsAnUnknownEvent) {
  const auto decoded =
      decode(replaced(encoded_or_throw(a_creation()), "keyledger.KeyCreated", "KeyCreated"));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(std::holds_alternative<UnknownEvent>(*decoded));
}

TEST(Decode, OfAnUnknownTypeThatIsCritical_IsDamagedAndNamesTheType) {
  const std::string bytes =
      replaced(encoded_or_throw(a_creation()), "keyledger.KeyCreated", "keyledger.KeyShared");
  for (const char* critical : {R"("critical":true)", R"("critical":null)", R"("critical":"yes")"}) {
    EXPECT_THAT(expect_damaged(with_first(bytes, critical)), HasSubstr("keyledger.KeyShared"));
  }
}

}  // namespace
}  // namespace keyledger::log
