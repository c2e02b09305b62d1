#include "events/log/kafka/transactions.h"

#include <algorithm>
#include <array>
#include <thread>

namespace keyledger::log::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// librdkafka's calls can wait for ever when they are told to, and be resumed when they are not.
constexpr int kCallMs = 1'000;
constexpr milliseconds kOpenWithin{10'000};
constexpr milliseconds kCommitWithin{6'000};
/// No commit whose requests went out once, and were answered, takes longer.
constexpr milliseconds kUndoubted{1'000};
/// A transaction that begins before the last one's mark is written waits 20 ms in the client: so
/// little is left to the broker for writing it.
constexpr std::chrono::microseconds kGap{1'500};

constexpr std::array<Property, 6> kProperties = {{{"enable.idempotence", "true"},
                                                  {"linger.ms", "0"},
                                                  {"transaction.timeout.ms", "10000"},
                                                  {"message.timeout.ms", "4000"},
                                                  {"message.max.bytes", "1000000"},
                                                  {"queue.buffering.max.messages", "1000000"}}};

bool is_fenced(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/// The one that all writers have: so each fences those before it.
std::string transactional_id(const KafkaOptions& options) {
  std::string id = options.prefix + "-writer";
#ifdef KEYLEDGER_UNFENCED  // The test of the tests: see tests/linearizability/CMakeLists.txt.
  id += "-of-" + options.client_id;
#endif
  return id;
}

}  // namespace

Result<std::unique_ptr<Transactions>> Transactions::open(const Clients& clients) {
  const std::string id = transactional_id(clients.options());
  std::vector<Property> properties(kProperties.begin(), kProperties.end());
  properties.push_back({"transactional.id", id.c_str()});
  auto client = clients.producer(properties);
  if (!client) return fail(std::move(client.error()));
  auto opened =
      std::unique_ptr<Transactions>(new Transactions(std::move(*client), clients.topics()));
  opened->stats_ = &clients.stats();
  if (auto done = opened->take_over(); !done) return fail(std::move(done.error()));
  for (const Topic* topic : {&opened->events_, &opened->secrets_}) {
    if (auto done = opened->learn(*topic); !done) return fail(std::move(done.error()));
  }
  return opened;
}

Transactions::Transactions(Client client, const TopicNames& names)
    : client_(std::move(client)),
      events_(rd_kafka_topic_new(client_.get(), names.events.c_str(), nullptr)),
      secrets_(rd_kafka_topic_new(client_.get(), names.secrets.c_str(), nullptr)) {}

Result<void> Transactions::take_over() {
  const auto deadline = steady_clock::now() + kOpenWithin;
  while (true) {
    const Failure failure(rd_kafka_init_transactions(client_.get(), kCallMs));
    if (!failure) return {};
    client_.poll();
    const bool is_over = steady_clock::now() > deadline;
    if (rd_kafka_error_is_retriable(failure.get()) != 0 && !is_over) continue;
    const std::string what = "can't become the writer";
    if (is_over) return fail(client_.unavailable(what, rd_kafka_error_code(failure.get())));
    return fail(client_.unavailable(what, rd_kafka_error_string(failure.get())));
  }
}

/// Without it the first record would wait up to a second for what is known by then.
Result<void> Transactions::learn(const Topic& topic) const {
  const struct rd_kafka_metadata* answered = nullptr;
  const auto code =
      rd_kafka_metadata(client_.get(), /*all_topics=*/0, topic.get(), &answered, 3 * kCallMs);
  const Metadata metadata(answered);
  const std::string what = std::string("can't write to topic ") + rd_kafka_topic_name(topic.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(client_.unavailable(what, code));
  const auto topic_code =
      metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
  if (topic_code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fail(client_.unavailable(what, topic_code));
}

Result<void> Transactions::begin() {
  std::this_thread::sleep_until(committed_at_ + kGap);
  const Failure failure(rd_kafka_begin_transaction(client_.get()));
  if (!failure) return {};
  if (is_fenced(rd_kafka_error_code(failure.get()))) stats_->fenced.fetch_add(1);
  return fail(client_.unavailable("can't begin a transaction, so nothing was written",
                                  rd_kafka_error_string(failure.get())));
}

Result<void> Transactions::add(Target target, const Record& record) {
  const Failure failure = produce(client_, target == Target::events ? events_ : secrets_, record);
  if (!failure) return {};
  if (is_fenced(rd_kafka_error_code(failure.get()))) stats_->fenced.fetch_add(1);
  return fail(client_.unavailable("can't write, so nothing was written",
                                  rd_kafka_error_string(failure.get())));
}

Result<void> Transactions::commit() {
  const auto began_at = steady_clock::now();
  const std::uint64_t doubts = client_.reports().doubts();
  while (true) {
    const Failure failure(rd_kafka_commit_transaction(client_.get(), kCallMs));
    committed_at_ = steady_clock::now();
    client_.poll();
    if (!failure) break;
    if (rd_kafka_error_is_retriable(failure.get()) != 0 &&
        committed_at_ < began_at + kCommitWithin) {
      continue;
    }
    stats_->failed_commits.fetch_add(1);
    if (is_fenced(rd_kafka_error_code(failure.get()))) stats_->fenced.fetch_add(1);
    const auto error = client_.unavailable("a commit failed", rd_kafka_error_string(failure.get()));
    return fail(Errc::outcome_unknown, error.message + "; nobody knows yet what it wrote");
  }
  stats_->commits.fetch_add(1);
  is_in_doubt_ = committed_at_ > began_at + kUndoubted || client_.reports().doubts() != doubts;
  return {};
}

}  // namespace keyledger::log::kafka
