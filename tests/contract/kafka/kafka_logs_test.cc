#include <gtest/gtest.h>

#include "events/log/kafka/kafka_log.h"
#include "tests/contract/event_log_contract.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/log_words.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

// The contract of every log, on a real broker.

class KafkaUnderTest final : public LogUnderTest {
 public:
  explicit KafkaUnderTest(std::size_t recent_events) : options_(fresh_topics()) {
    options_.secrets = directory_ / "secrets";
    options_.recent_events = recent_events;
    reopen();
  }

  EventLog& log() override { return *log_; }

  void reopen() override {
    log_.reset();
    log_ = must(open_kafka_log(options_, test_logger()));
  }

 private:
  TemporaryDirectory directory_;
  KafkaOptions options_;
  std::unique_ptr<EventLog> log_;
};

template <std::size_t RecentEvents>
std::unique_ptr<LogUnderTest> make() {
  return std::make_unique<KafkaUnderTest>(RecentEvents);
}

INSTANTIATE_TEST_SUITE_P(
    Kafka, EventLogContract,
    testing::Values(Adapter{"Kafka", make<65'536>},
                    // Nearly all that is read lies before what is kept in memory.
                    Adapter{"KafkaThatKeepsTwoEventsInMemory", make<2>}),
    name_of);

}  // namespace
}  // namespace keyledger::log
