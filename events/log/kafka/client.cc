#include "events/log/kafka/client.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include <simdjson.h>

namespace keyledger::log::kafka {
namespace {

/// What the log's safety rests on, under every name that librdkafka knows it by.
constexpr std::array<std::string_view, 32> kOurs = {
    "bootstrap.servers",
    "metadata.broker.list",
    "client.id",
    "group.id",
    "group.instance.id",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "transactional.id",
    "transaction.timeout.ms",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "acks",
    "request.required.acks",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "message.max.bytes",
    "message.send.max.retries",
    "retries",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "queuing.strategy",
    "isolation.level",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
    "check.crcs",
    "allow.auto.create.topics",
    "log.queue",
    "client.rack",  // Would have the tail read from followers, behind what was acknowledged.
};

/// For every client. The caller may set them otherwise.
constexpr std::array<Property, 5> kDefaults = {{
    {"socket.timeout.ms", "3000"},
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.max.ms", "1000"},
    {"log.connection.close", "false"},
}};

/// How soon to ask again while a partition's leadership moves.
constexpr std::chrono::milliseconds kLeaderMoves{50};
/// A leader that is there answers within it, whatever it has to do.
constexpr std::chrono::milliseconds kLeaderAnswersWithin{1'000};

bool is_moving(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/// Kafka's rule for topics, which end with a word of ours.
bool is_good_prefix(std::string_view prefix) {
  constexpr std::string_view kSigns =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  constexpr std::size_t kMaxLength = 200;
  return !prefix.empty() && prefix.size() <= kMaxLength &&
         prefix.find_first_not_of(kSigns) == prefix.npos;
}

Reports& reports_of(void* opaque) { return *static_cast<Reports*>(opaque); }

void log_callback(const rd_kafka_t* client, int /*level*/, const char* facility, const char* text) {
  // That a property is for producers alone: all clients are given the caller's.
  if (std::string_view(facility) == "CONFWARN") return;
  if (void* opaque = rd_kafka_opaque(client)) reports_of(opaque).on_log(facility, text);
}

void error_callback(rd_kafka_t* client, int code, const char* reason, void* opaque) {
  auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error != RD_KAFKA_RESP_ERR__FATAL) {
    reports_of(opaque).on_error(error, reason);
    return;
  }
  std::array<char, 512> text{};
  rd_kafka_fatal_error(client, text.data(), text.size());
  reports_of(opaque).on_error(error, text.data());
}

int statistics_callback(rd_kafka_t* /*client*/, char* json, std::size_t size, void* opaque) {
  reports_of(opaque).on_statistics({json, size});
  return 0;  // librdkafka frees `json`.
}

void delivery_callback(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) reports_of(opaque).on_undelivered(message->err);
}

/// Errors: invalid.
Result<void> set(rd_kafka_conf_t& conf, const std::string& name, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), why.data(), why.size()) ==
      RD_KAFKA_CONF_OK) {
    return {};
  }
  // The text may quote the value, and that may be a password.
  const bool is_known = std::string_view(why.data()).find("No such") == std::string_view::npos;
  return fail(Errc::invalid, "kafka property " + name +
                                 (is_known ? ": librdkafka refuses the value that it was given"
                                           : ": librdkafka knows none of that name"));
}

/// How long a call of librdkafka's may take that is to be over at `deadline`.
int milliseconds_until(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::max(deadline - std::chrono::steady_clock::now(), {});
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

/// Asks for one end of `topic`. Not by rd_kafka_query_watermark_offsets(): that waits, whatever its
/// time-out, until a broker that is away comes back.
rd_kafka_resp_err_t ask_offset(const Client& client, const std::string& topic, std::int64_t which,
                               std::chrono::steady_clock::time_point deadline,
                               std::int64_t& offset) {
  const Partitions asked(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* const partition =
      rd_kafka_topic_partition_list_add(asked.get(), topic.c_str(), kPartition);
  partition->offset = which;  // In the place of a time.
  const auto error =
      rd_kafka_offsets_for_times(client.get(), asked.get(), milliseconds_until(deadline));
  offset = partition->offset;
  return error != RD_KAFKA_RESP_ERR_NO_ERROR ? error : partition->err;
}

/// Lets the client ask who leads `topic` now. By itself librdkafka asks that only of topics of
/// which it has a handle; for others it would go to who led before, for a quarter of an hour.
void learn_leader(const Client& client, const std::string& topic,
                  std::chrono::steady_clock::time_point deadline) {
  const Topic handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  const struct rd_kafka_metadata* answered = nullptr;
  // What fails is asked again.
  rd_kafka_metadata(client.get(), /*all_topics=*/0, handle.get(), &answered,
                    milliseconds_until(deadline));
  const Metadata metadata(answered);
}

}  // namespace

void Reports::on_log(const char* facility, const char* text) const {
  if (logger_) logger_(std::string(facility) + ": " + text);
}

void Reports::on_error(rd_kafka_resp_err_t code, const char* reason) {
  const std::string_view text = reason == nullptr ? "" : reason;
  // What couldn't connect has carried no request.
  const bool is_harmless = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                           code == RD_KAFKA_RESP_ERR__RESOLVE ||
                           text.find("Connect to") != text.npos;
  if (!is_harmless) doubts_.fetch_add(1);
  if (is_missing_topic(code)) has_missed_topic_ = true;
  // That all are down says less than why the last of them is.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !last_error().empty()) return;
  const std::lock_guard lock(mutex_);
  last_error_ = text.empty() ? rd_kafka_err2str(code) : text;
}

void Reports::on_undelivered(rd_kafka_resp_err_t code) {
  const std::lock_guard lock(mutex_);
  last_error_ = std::string("not delivered: ") + rd_kafka_err2str(code);
}

/// Statistics as https://github.com/confluentinc/librdkafka/blob/v2.0.2/STATISTICS.md.
void Reports::on_statistics(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object brokers;
  if (parser.parse(json.data(), json.size())["brokers"].get(brokers)) return;
  std::uint64_t up = 0;
  std::uint64_t down = 0;
  for (const auto& [name, broker] : brokers) {
    std::string_view state;
    std::string_view source;
    std::int64_t node = -1;  // What was only configured, and is none of the cluster that is known.
    if (broker["state"].get(state) || broker["source"].get(source) || broker["nodeid"].get(node)) {
      continue;
    }
    if (node < 0 || source == "logical" || source == "internal") continue;
    if (state == "UP" || state == "UPDATE") {
      ++up;
    } else if (state != "INIT") {  // INIT: there is nothing to ask it, so nobody connected.
      ++down;
    }
  }
  stats_.brokers_up = up;
  stats_.brokers_down = down;
}

std::string Reports::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

Error Client::unavailable(const std::string& what, rd_kafka_resp_err_t why) const {
  const bool is_silence =
      why == RD_KAFKA_RESP_ERR__TIMED_OUT || why == RD_KAFKA_RESP_ERR__TRANSPORT ||
      why == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || why == RD_KAFKA_RESP_ERR__WAIT_COORD;
  std::string text = rd_kafka_err2str(why);
  if (is_silence && !reports_->last_error().empty()) text += " (" + reports_->last_error() + ")";
  return unavailable(what, text);
}

Error Client::unavailable(const std::string& what, const std::string& why) const {
  return {Errc::unavailable, "kafka: " + what + ": " + why, {}};
}

Clients::Clients(KafkaOptions options, KafkaLogger logger)
    : options_(std::move(options)), topics_(options_.prefix), logger_(std::move(logger)) {}

Result<std::unique_ptr<Clients>> Clients::make(const KafkaOptions& options, KafkaLogger logger) {
  if (options.bootstrap.empty()) {
    return fail(Errc::invalid, "kafka: where the brokers are must be said: host:port,host:port");
  }
  if (!is_good_prefix(options.prefix)) {
    return fail(Errc::invalid, "kafka: the prefix '" + options.prefix +
                                   "' can't begin a topic's name: letters, digits, '.', '_' and "
                                   "'-', 200 at most");
  }
  for (const auto& [name, value] : options.properties) {
    if (std::ranges::find(kOurs, name) == kOurs.end()) continue;
    return fail(Errc::invalid, "kafka property " + name +
                                   ": the log's safety rests on what keyledger sets it to, so it "
                                   "can't be set");
  }
  auto clients = std::unique_ptr<Clients>(new Clients(options, std::move(logger)));
  if (auto checked = clients->make_conf({}); !checked) return fail(std::move(checked.error()));
  return clients;
}

Result<Client> Clients::consumer(std::span<const Property> properties) const {
  return make_client(RD_KAFKA_CONSUMER, properties);
}

Result<Client> Clients::producer(std::span<const Property> properties) const {
  return make_client(RD_KAFKA_PRODUCER, properties);
}

/// The caller's come last: what may not be theirs was refused before.
Result<Conf> Clients::make_conf(std::span<const Property> properties) const {
  Conf conf(rd_kafka_conf_new());
  for (const Property& property : kDefaults) {
    if (auto done = set(*conf, property.name, property.value); !done) return fail(done.error());
  }
  for (const Property& property : properties) {
    if (auto done = set(*conf, property.name, property.value); !done) return fail(done.error());
  }
  for (const auto& [name, value] : options_.properties) {
    if (auto done = set(*conf, name, value); !done) return fail(done.error());
  }
  if (auto done = set(*conf, "bootstrap.servers", options_.bootstrap); !done) {
    return fail(done.error());
  }
  if (auto done = set(*conf, "client.id", options_.client_id); !done) return fail(done.error());
  return conf;
}

Result<Client> Clients::make_client(rd_kafka_type_t type,
                                    std::span<const Property> properties) const {
  auto conf = make_conf(properties);
  if (!conf) return fail(std::move(conf.error()));
  auto reports = std::make_unique<Reports>(logger_, stats_);
  rd_kafka_conf_set_opaque(conf->get(), reports.get());
  rd_kafka_conf_set_log_cb(conf->get(), log_callback);
  rd_kafka_conf_set_error_cb(conf->get(), error_callback);
  rd_kafka_conf_set_stats_cb(conf->get(), statistics_callback);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_REBALANCE);
  // Without one, librdkafka's flush would look every 10 ms only whether all is delivered.
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf->get(), delivery_callback);
  std::array<char, 512> why{};
  rd_kafka_conf_t* const given = conf->release();
  Handle handle(rd_kafka_new(type, given, why.data(), why.size()));
  if (!handle) {
    conf->reset(given);  // Only a client that came to be frees it.
    return fail(Errc::unavailable, std::string("kafka: librdkafka can't begin: ") + why.data());
  }
  return Client(std::move(reports), std::move(handle));
}

Result<Client> make_asking_client(const Clients& clients, bool only_committed) {
  const std::array<Property, 2> properties = {
      {{"isolation.level", only_committed ? "read_committed" : "read_uncommitted"},
       {"allow.auto.create.topics", "false"}}};
  return clients.consumer(properties);
}

Result<Bounds> query_bounds(const Client& client, const std::string& topic,
                            std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    client.poll();
    Bounds bounds;
    // Who led may be gone for good: then there must be time left for who leads now.
    const auto answered_by =
        std::min(deadline, std::chrono::steady_clock::now() + kLeaderAnswersWithin);
    auto error = ask_offset(client, topic, RD_KAFKA_OFFSET_BEGINNING, answered_by, bounds.low);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      error = ask_offset(client, topic, RD_KAFKA_OFFSET_END, answered_by, bounds.high);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return bounds;
    client.poll();
    if (is_missing_topic(error)) {
      return fail(Errc::not_found,
                  "kafka: there is no topic " + topic + ": make it with `keyledger topics create`");
    }
    if (!is_moving(error) || std::chrono::steady_clock::now() > deadline) {
      return fail(client.unavailable("can't learn where topic " + topic + " ends", error));
    }
    std::this_thread::sleep_for(kLeaderMoves);
    learn_leader(client, topic,
                 std::min(deadline, std::chrono::steady_clock::now() + kLeaderAnswersWithin));
  }
}

}  // namespace keyledger::log::kafka
