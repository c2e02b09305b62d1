#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/kafka/kafka_log.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/kafka/raw_kafka.h"
#include "tests/contract/log_words.h"
#include "tests/support/events.h"

namespace keyledger::log {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// What only a log of several machines has to promise of its writer.

Append texts(std::vector<std::string> events) {
  return {.events = std::move(events), .envelopes = {}, .erased = {}};
}

std::vector<std::string> texts_of(const LogReader& log) {
  std::vector<std::string> found;
  for (const StoredEvent& event : read(log, 0)) found.push_back(event.bytes);
  return found;
}

TEST(KafkaWriter, BeforeItsTakeOver_IsUnavailable) {
  const auto log = must(open_kafka_log(fresh_topics(), test_logger()));
  const auto refused = log->append(texts({"a"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(end_of(*log), Position{});
}

TEST(KafkaWriter, AfterAnothersTakeOver_WritesNothingEverAgain) {
  const auto options = fresh_topics();
  const auto first = must(open_kafka_log(options, test_logger()));
  const auto second = must(open_kafka_log(options, test_logger()));
  must(first->take_over());
  append_texts(*first, {"of the first"});
  must(second->take_over());
  EXPECT_EQ(texts_of(*second), texts_of(*first));

  const auto late = first->append(texts({"late", "later"}));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().code, AnyOf(Errc::unavailable, Errc::outcome_unknown));
  append_texts(*second, {"of the second"});
  EXPECT_EQ(first->append(texts({"again"})).error().code, Errc::unavailable);

  EXPECT_GE(first->stats().fenced.load(), 1U);
  EXPECT_EQ(second->stats().fenced.load(), 0U);
  EXPECT_THAT(texts_of(*second), ElementsAre("of the first", "of the second"));
  EXPECT_EQ(end_of(*first), end_of(*second));
  EXPECT_EQ(read(*first, 0), read(*second, 0));
}

TEST(KafkaWriter, OfTwoThatTakeOverInTurns_OnlyTheLastWrites) {
  const auto options = fresh_topics();
  const auto first = must(open_kafka_log(options, test_logger()));
  const auto second = must(open_kafka_log(options, test_logger()));
  std::vector<std::string> written;
  for (int turn = 0; turn < 6; ++turn) {
    EventLog& leader = turn % 2 == 0 ? *first : *second;
    EventLog& zombie = turn % 2 == 0 ? *second : *first;
    must(leader.take_over());
    EXPECT_EQ(texts_of(leader), written);
    EXPECT_FALSE(zombie.append(texts({"of a zombie"})));
    written.push_back("turn " + std::to_string(turn));
    append_texts(leader, {written.back()});
  }
  EXPECT_EQ(end_of(*first), end_of(*second));
  EXPECT_EQ(texts_of(*first), written);
  EXPECT_EQ(texts_of(*second), written);
}

TEST(KafkaWriter, ThatTakesOverFromOneItCanNotAsk_SettlesItsOpenTransaction) {
  const auto options = fresh_topics();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  append_texts(*log, {"a"});
  produce_aborted(options, options.prefix + ".key-events", 10);
  must(log->take_over());
  append_texts(*log, {"b"});
  EXPECT_THAT(texts_of(*log), ElementsAre("a", "b"));
}

TEST(KafkaPositions, HaveGapsAndAreTheSameForEveryReader) {
  const auto options = fresh_topics();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  Written written(*log);
  for (std::size_t i = 0; i < 60; ++i) {
    written.append(std::vector<std::string>(1 + i % 4, "event " + std::to_string(i)));
    if (i % 20 == 7) produce_aborted(options, options.prefix + ".key-events", 5);
    if (i % 20 == 13) must(log->take_over());
  }
  EXPECT_GT(written.end().value, written.events().size() + 60);

  EXPECT_EQ(read(*log, 0), written.events());
  auto small = options;
  small.recent_events = 3;
  for (const KafkaOptions& each : {options, small}) {
    const auto reader = must(open_kafka_log_for_reading(each, test_logger()));
    EXPECT_EQ(reader->known_end(), written.end());
    EXPECT_EQ(end_of(*reader), written.end());
    EXPECT_EQ(read(*reader, 0), written.events());
    for (const std::size_t index : {std::size_t{0}, std::size_t{40}, written.events().size() - 2}) {
      EXPECT_EQ(read(*reader, written.at(index).value), written.after(index)) << index;
    }
  }
}

TEST(KafkaPositions, OfALogThatEndsWithManyAbortedRecords_AreStillKnownAtOpening) {
  const auto options = fresh_topics();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  const Position last = append_texts(*log, {"a", "b"});
  produce_aborted(options, options.prefix + ".key-events", 20'000);

  const auto reader = must(open_kafka_log_for_reading(options, test_logger()));
  EXPECT_EQ(reader->known_end(), last);
  EXPECT_EQ(end_of(*reader), last);
  EXPECT_EQ(end_of(*log), last);
  EXPECT_THAT(texts_of(*reader), ElementsAre("a", "b"));
}

TEST(KafkaPositions, OfALogThatWasCopiedWithoutTransactions_HaveNoGaps) {
  const auto options = fresh_topics();
  std::vector<RawRecord> records;
  std::vector<StoredEvent> copied;
  for (std::uint64_t i = 1; i <= 5'000; ++i) {
    copied.push_back({{i}, "event " + std::to_string(i)});
    records.push_back({{}, copied.back().bytes, {}});
  }
  produce_raw(options, options.prefix + ".key-events", records);
  const auto log = must(open_kafka_log(options, test_logger()));
  EXPECT_EQ(log->known_end(), Position{5'000});
  EXPECT_EQ(end_of(*log), Position{5'000});
  EXPECT_EQ(read(*log, 0), copied);
  must(log->take_over());
  EXPECT_EQ(append_texts(*log, {"a"}), Position{5'001});
}

TEST(KafkaWriter, OfAnAppendThatIsLargerThanWhatIsKeptInMemory_ReturnsItsPosition) {
  auto options = fresh_topics();
  options.recent_events = 10;
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  Written written(*log);
  std::vector<std::string> events;
  events.reserve(5'000);
  for (int i = 0; i < 5'000; ++i) events.push_back("event " + std::to_string(i));
  written.append(events);
  std::vector<StoredEvent> found;
  while (found.size() < events.size()) {
    const auto page = read(*log, found.empty() ? 0 : found.back().position.value);
    found.insert(found.end(), page.begin(), page.end());
  }
  EXPECT_EQ(found, written.events());
}

TEST(KafkaWriter, OfAnEvent_SaysInTheRecordWhatItIsAbout) {
  const auto options = fresh_topics();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  Story story;
  append_events(*log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                       story.key_created(nth_key_id(1))});
  append_texts(*log, {"no event at all"});

  const auto records = all_records(options, options.prefix + ".key-events");
  ASSERT_EQ(records.size(), 5U);
  EXPECT_EQ(records[0].key, std::nullopt);
  EXPECT_EQ(records[3].key, "acme");
  EXPECT_EQ(records[3].value, read(*log, 0)[3].bytes);
  EXPECT_THAT(records[3].headers,
              Contains(Pair("content-type", "application/cloudevents+json; charset=UTF-8")));
  EXPECT_THAT(records[3].headers, Contains(Pair("ce_specversion", "1.0")));
  EXPECT_THAT(records[3].headers, Contains(Pair("ce_type", "keyledger.KeyCreated")));
  EXPECT_THAT(records[3].headers, Contains(Pair("ce_subject", nth_key_id(1).value)));
  EXPECT_THAT(records[4].headers, IsEmpty());
}

TEST(KafkaLog, WithAPropertyThatIsNotTheCallers_IsNotOpenedAndNamesIt) {
  for (const char* name : {"isolation.level", "acks", "transactional.id", "check.crcs"}) {
    KafkaOptions options{.bootstrap = test_bootstrap(), .properties = {{name, "x"}}};
    const auto log = open_kafka_log(options, test_logger());
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::invalid);
    EXPECT_THAT(log.error().message, HasSubstr(name));
  }
}

TEST(KafkaLog, WithAPropertyThatLibrdkafkaRefuses_NamesItAndNotItsValue) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"sasl.pasword", "hunter2"}, {"security.protocol", "hunter2"}}) {
    const KafkaOptions options{.bootstrap = test_bootstrap(), .properties = {{name, value}}};
    const auto log = open_kafka_log(options, test_logger());
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::invalid);
    EXPECT_THAT(log.error().message, HasSubstr(name));
    EXPECT_THAT(log.error().message, testing::Not(HasSubstr("hunter2")));
  }
}

TEST(KafkaLog, WithAPropertyOfProducersAlone_IsOpened) {
  auto options = fresh_topics();
  options.properties = {{"compression.codec", "lz4"}, {"socket.timeout.ms", "5000"}};
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  append_texts(*log, {std::string(10'000, 'x')});
  EXPECT_THAT(texts_of(*log), ElementsAre(std::string(10'000, 'x')));
}

TEST(KafkaLog, WithoutABroker_OrWithAPrefixThatIsNone_IsNotOpened) {
  for (const KafkaOptions& options :
       {KafkaOptions{.bootstrap = ""}, KafkaOptions{.bootstrap = "127.0.0.1:1", .prefix = ""},
        KafkaOptions{.bootstrap = "127.0.0.1:1", .prefix = "a/b"}}) {
    const auto log = open_kafka_log(options, nullptr);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::invalid) << log.error().message;
  }
}

TEST(KafkaLog, CountsWhatItDoesAndTheBrokersThatItSees) {
  const auto log = must(open_kafka_log(fresh_topics(), test_logger()));
  must(log->take_over());
  const Position end = append_texts(*log, {"one", "three"});
  EXPECT_EQ(log->stats().take_overs.load(), 1U);
  EXPECT_EQ(log->stats().commits.load(), 1U);
  EXPECT_EQ(log->stats().failed_commits.load(), 0U);
  EXPECT_EQ(log->stats().appended_bytes.load(), 8U);
  EXPECT_EQ(log->stats().tailed_bytes.load(), 8U);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (log->stats().brokers_up.load() == 0 && std::chrono::steady_clock::now() < deadline) {
    log->wait_beyond(end, {}, std::chrono::milliseconds{50});
  }
  EXPECT_EQ(log->stats().brokers_up.load(), 1U);
  EXPECT_EQ(log->stats().brokers_down.load(), 0U);
}

TEST(KafkaLog, WhereNobodyListens_IsUnavailableAndSaysWhy) {
  const KafkaOptions options{.bootstrap = "127.0.0.1:1"};
  const auto log = open_kafka_log(options, nullptr);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Errc::unavailable);
  EXPECT_THAT(log.error().message, HasSubstr("refused"));
}

TEST(KafkaLog, WithoutTopics_IsNotFoundAndSaysHowToMakeThem) {
  const KafkaOptions options{.bootstrap = test_bootstrap(), .prefix = "nobody-made-these"};
  const auto log = open_kafka_log(options, test_logger());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Errc::not_found) << log.error().message;
  EXPECT_THAT(log.error().message, HasSubstr("topics create"));
}

}  // namespace
}  // namespace keyledger::log
