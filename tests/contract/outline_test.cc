#include "events/log/outline.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/contract/codec_words.h"
#include "tests/support/events.h"

namespace keyledger::log {
namespace {

TEST(Outline, OfAnEventOfEveryType_TellsItsAttributes) {
  for (const Event& event : one_event_of_every_type()) {
    const std::string bytes = encoded_or_throw(event);
    const Outline told = outline(bytes);
    EXPECT_EQ(told.type, "keyledger." + std::string(type_name(event.fact)));
    EXPECT_EQ(told.command, event.command.value);
    EXPECT_EQ(told.term, event.term.value);
    EXPECT_EQ(told.place, event.place);
    EXPECT_EQ(told.time, event.time);
    EXPECT_EQ(told.account, event.account);
    EXPECT_EQ(told.key, event.key);
    EXPECT_EQ(told.version.value_or(Version{}), event.version);
  }
}

TEST(Outline, OfWhatIsCutOff_TellsWhatIsWhole) {
  const Event event = a_creation();
  const std::string bytes = encoded_or_throw(event);
  const Outline told = outline(bytes.substr(0, bytes.find("\"term\"")));
  EXPECT_EQ(told.account, event.account);
  EXPECT_EQ(told.key, event.key);
  EXPECT_EQ(told.version, event.version);
  EXPECT_EQ(told.command, "");
  EXPECT_EQ(told.place, std::nullopt);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const Outline part = outline(bytes.substr(0, length));
    EXPECT_TRUE(!part.key || part.key == event.key);
    EXPECT_TRUE(!part.account || part.account == event.account);
    // A number that is cut off could be another.
    EXPECT_TRUE(!part.version || part.version == event.version);
  }
}

TEST(Outline, OfNoEvent_TellsNothing) {
  for (const std::string bytes :
       {"", "{}", "garbage", "\"subject\":", "\"subject\":\"", "\xFF\xFE"}) {
    const Outline told = outline(bytes);
    EXPECT_EQ(told.type, "");
    EXPECT_FALSE(told.place || told.time || told.account || told.key || told.version);
  }
}

TEST(Outline, BelievesNothingThatIsIllFormed) {
  const std::string bytes = encoded_or_throw(a_creation());
  EXPECT_FALSE(outline(replaced(bytes, "\"subject\":\"key_", "\"subject\":\"kay_")).key);
  EXPECT_FALSE(outline(replaced(bytes, "\"keyversion\":", "\"keyversion\":-")).version);
  EXPECT_FALSE(outline(replaced(bytes, "\"keyversion\":", "\"keyversion\":99999999999")).version);
  EXPECT_FALSE(outline(replaced(bytes, "\"account\":\"", "\"account\":\"/")).account);
  EXPECT_FALSE(outline(replaced(bytes, "\"commandplace\":\"", "\"commandplace\":\"9")).place);
}

TEST(Outline, IsNotLedAstrayByTextsOfCallers) {
  Event event = Story().account_registered();
  const KeyId other = nth_key_id(9);
  event.actor.subject = other.value;
  event.actor.username = "\"subject\":\"" + other.value + "\"";
  event.reason = Reason{"\",\"subject\":\"" + other.value + "\""};
  EXPECT_FALSE(outline(encoded_or_throw(event)).key);
}

TEST(Outline, OfAnyBytes_Ends) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) { outline(bytes); }));
}

}  // namespace
}  // namespace keyledger::log
