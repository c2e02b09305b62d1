#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/kafka/kafka_log.h"
#include "events/log/kafka/secrets_store.h"
#include "events/log/kafka/topics.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/kafka/raw_kafka.h"
#include "tests/contract/log_files.h"
#include "tests/contract/log_words.h"
#include "tests/support/events.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The copies that the nodes keep of the envelopes, and how values leave them and the topic.

constexpr Instant kNow = kStoryBegins;

Instant clock_now() {
  return std::chrono::time_point_cast<Instant::duration>(std::chrono::system_clock::now());
}

class KafkaSecrets : public testing::Test {
 protected:
  /// A log that keeps its copy in the directory `name`.
  std::unique_ptr<KafkaLog> open(const std::string& name) {
    auto options = options_;
    options.secrets = directory_ / name;
    return must(open_kafka_log(options, test_logger()));
  }

  std::unique_ptr<KafkaLog> open_writer(const std::string& name) {
    auto log = open(name);
    must(log->take_over());
    return log;
  }

  std::string secrets_topic() const { return options_.prefix + ".key-secrets"; }

  KafkaOptions options_ = fresh_topics();
  TemporaryDirectory directory_;
};

void erase(EventLog& log, unsigned key) {
  append(log, {.events = {"deleted"}, .envelopes = {}, .erased = {nth_key_id(key)}});
}

TEST_F(KafkaSecrets, ThatOneNodeKeeps_AreWithTheOthersWhenAsked) {
  const auto writer = open_writer("writer");
  const auto other = open("other");
  for (unsigned i = 0; i < 20; ++i) {
    const Envelope kept{nth_key_id(i), "sealed " + std::to_string(i), kNow};
    keep(*writer, {kept});
    ASSERT_EQ(envelope_of(*other, kept.key), kept);
  }
  erase(*writer, 7);
  // Nobody asks for what was erased; whoever does meanwhile may get it.
  while (envelope_of(*other, nth_key_id(7))) std::this_thread::yield();
  EXPECT_EQ(due(*other, kNow).size(), 19U);
}

TEST_F(KafkaSecrets, OfACopyThatIsBegunLater_AreTheSame) {
  const auto writer = open_writer("writer");
  keep(*writer, {{nth_key_id(1), "one", {}}, {nth_key_id(2), "two", kNow}});
  keep(*writer, {{nth_key_id(1), "another", kNow}});
  erase(*writer, 2);
  const auto late = open("late");
  EXPECT_EQ(envelope_of(*late, nth_key_id(1)), (Envelope{nth_key_id(1), "another", kNow}));
  EXPECT_EQ(envelope_of(*late, nth_key_id(2)), std::nullopt);
  EXPECT_THAT(due(*late, kNow), ElementsAre(nth_key_id(1)));
}

TEST_F(KafkaSecrets, ErasedWhileANodeIsAway_AreGoneWhenItIsBack) {
  const auto writer = open_writer("writer");
  keep(*writer, {{nth_key_id(1), "one", {}}, {nth_key_id(2), "two", {}}});
  EXPECT_EQ(envelope_of(*open("other"), nth_key_id(1))->sealed, "one");
  erase(*writer, 1);
  const auto back = open("other");
  while (envelope_of(*back, nth_key_id(1))) std::this_thread::yield();
  EXPECT_EQ(envelope_of(*back, nth_key_id(2))->sealed, "two");
}

TEST_F(KafkaSecrets, OfACopyThatWasAwayForTooLong_AreReadAnew) {
  const auto writer = open_writer("writer");
  keep(*writer, {{nth_key_id(1), "one", {}}});
  {
    // Its tombstone came and went while the node was away.
    const auto store = must(kafka::SecretsStore::open(directory_ / "other"));
    must(store->write({.events = {}, .envelopes = {{nth_key_id(2), "erased", {}}}, .erased = {}},
                      {.next = 1, .at_end = clock_now() - std::chrono::hours{13}}));
  }
  const auto back = open("other");
  EXPECT_EQ(envelope_of(*back, nth_key_id(1))->sealed, "one");
  EXPECT_EQ(envelope_of(*back, nth_key_id(2)), std::nullopt);
  EXPECT_TRUE(must(back->purge()));
}

TEST_F(KafkaSecrets, OfACopyThatWasAwayForAMoment_AreNotReadAnew) {
  const auto writer = open_writer("writer");
  keep(*writer, {{nth_key_id(1), "one", {}}});
  {
    const auto store = must(kafka::SecretsStore::open(directory_ / "other"));
    must(store->write({.events = {}, .envelopes = {{nth_key_id(2), "kept", {}}}, .erased = {}},
                      {.next = 1, .at_end = clock_now()}));
  }
  const auto back = open("other");
  EXPECT_EQ(envelope_of(*back, nth_key_id(2))->sealed, "kept");
  EXPECT_EQ(envelope_of(*back, nth_key_id(1)), std::nullopt);
  EXPECT_FALSE(must(back->purge()));
}

TEST_F(KafkaSecrets, OfATopicThatWasMadeAnew_AreTheNewOnesAlone) {
  {
    const auto writer = open_writer("writer");
    for (unsigned i = 0; i < 10; ++i) keep(*writer, {{nth_key_id(i), "old", {}}});
    EXPECT_EQ(envelope_of(*writer, nth_key_id(9))->sealed, "old");
  }
  delete_topic(options_, secrets_topic());
  must(create_topics(options_, {}, test_logger()));
  const auto writer = open_writer("writer");
  keep(*writer, {{nth_key_id(20), "new", {}}});
  EXPECT_EQ(envelope_of(*writer, nth_key_id(20))->sealed, "new");
  EXPECT_EQ(envelope_of(*writer, nth_key_id(9)), std::nullopt);
}

TEST_F(KafkaSecrets, OfACopyWhoseFilesAreSpoilt_AreReadAnew) {
  {
    const auto writer = open_writer("copy");
    keep(*writer, {{nth_key_id(1), "one", {}}});
  }
  for (const auto& file : std::filesystem::directory_iterator(directory_ / "copy")) {
    if (file.path().filename().string().starts_with("MANIFEST")) {
      std::ofstream(file.path(), std::ios::trunc) << "spoilt";
    }
  }
  EXPECT_EQ(envelope_of(*open("copy"), nth_key_id(1))->sealed, "one");
}

TEST_F(KafkaSecrets, WhoseDirectoryAnotherHas_AreNotOpened) {
  const auto first = open("copy");
  auto options = options_;
  options.secrets = directory_ / "copy";
  const auto second = open_kafka_log(options, test_logger());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::locked) << second.error().message;
}

TEST_F(KafkaSecrets, OfANodeThatKeepsNone_AreUnavailable) {
  const auto log = must(open_kafka_log(options_, test_logger()));
  const auto envelope = log->envelope(nth_key_id(1));
  ASSERT_FALSE(envelope);
  EXPECT_EQ(envelope.error().code, Errc::unavailable);
  EXPECT_THAT(envelope.error().message, HasSubstr("keeps no values"));
  EXPECT_FALSE(log->envelopes_due(kNow, 10));
  EXPECT_FALSE(must(log->purge()));
}

TEST_F(KafkaSecrets, OfAnAppendThatFailed_AreNeverSeen) {
  const auto first = open_writer("first");
  const auto second = open_writer("second");
  EXPECT_FALSE(
      first->append({.events = {"a"}, .envelopes = {{nth_key_id(1), "x", {}}}, .erased = {}}));
  keep(*second, {{nth_key_id(2), "y", {}}});
  EXPECT_EQ(envelope_of(*first, nth_key_id(2))->sealed, "y");
  EXPECT_EQ(envelope_of(*first, nth_key_id(1)), std::nullopt);
}

/// Bytes that no compression shortens.
std::string secret() {
  std::string bytes;
  std::uint64_t state = 42;
  for (int i = 0; i < 200; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    bytes += static_cast<char>(state >> 56U);
  }
  return bytes;
}

TEST_F(KafkaSecrets, AfterAPurge_LeaveNoByteInTheCopysFiles) {
  const auto writer = open_writer("writer");
  keep(*writer, {{nth_key_id(1), secret(), {}}, {nth_key_id(2), "another", {}}});
  erase(*writer, 1);
  const auto is_on_disk = [&] {
    const auto files = contents_of(directory_ / "writer");
    return std::ranges::any_of(
        files, [](const auto& file) { return file.second.contains(secret().substr(50, 30)); });
  };
  ASSERT_TRUE(is_on_disk());
  EXPECT_TRUE(must(writer->purge()));
  EXPECT_FALSE(is_on_disk());
  EXPECT_FALSE(must(writer->purge()));
}

TEST(KafkaErasure, OfAValueOnAnIdleTopic_IsDrivenByTicks) {
  const TemporaryDirectory directory;
  auto options = fresh_topics({.erasure_delay = std::chrono::seconds{1}});
  options.secrets = directory / "secrets";
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  keep(*log, {{nth_key_id(1), "to be erased", {}}, {nth_key_id(2), "to be kept", {}}});
  erase(*log, 1);
  const auto values = [&] {
    std::vector<std::string> found;
    for (const RawRecord& record : all_records(options, options.prefix + ".key-secrets")) {
      if (record.key != "tick" && record.value) found.push_back(*record.value);
    }
    return found;
  };
  ASSERT_THAT(values(), ElementsAre("to be erased", "to be kept"));
  must(log->purge());
  const auto deadline = steady_clock::now() + std::chrono::seconds{90};
  while (values().size() > 1 && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_THAT(values(), ElementsAre("to be kept"));
  EXPECT_GE(log->stats().ticks.load(), 1U);
}

}  // namespace
}  // namespace keyledger::log
