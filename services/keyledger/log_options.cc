#include "services/keyledger/log_options.h"

#include <string_view>

#include "events/log/embedded/embedded_log.h"
#include "services/keyledger/tool_output.h"

namespace keyledger {
namespace {

constexpr std::string_view kKafkaOptions[] = {"--kafka.bootstrap", "--kafka.prefix",
                                              "--kafka.property"};

std::string check_property(const std::string& text) {
  const auto equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return "";
  return "name a property of librdkafka as name=value";
}

/// Topic names have up to 249 of these, and ours add a few.
std::string check_topic_prefix(const std::string& prefix) {
  constexpr std::size_t kMost = 200;
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool fits = !prefix.empty() && prefix.size() <= kMost && prefix.front() != '.' &&
                    prefix.find_first_not_of(kLegal) == std::string::npos;
  return fits ? "" : prefix + " can't begin a topic's name: take letters, digits, '.', '_' and '-'";
}

}  // namespace

log::KafkaOptions LogConfig::kafka(std::string client_id) const {
  log::KafkaOptions options;
  options.bootstrap = bootstrap;
  options.prefix = prefix;
  options.properties = properties;
  options.client_id = std::move(client_id);
  return options;
}

void add_kafka_options(CLI::App& app, LogConfig& config) {
  app.add_option("--kafka.bootstrap", config.bootstrap,
                 "Brokers to begin with: HOST:PORT[,HOST:PORT…]");
  app.add_option("--kafka.prefix", config.prefix,
                 "What topics, group and transactional id begin with")
      ->check(check_topic_prefix)
      ->capture_default_str();
  app.add_option_function<std::vector<std::string>>(
         "--kafka.property",
         [&config](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const auto equals = text.find('=');
             config.properties.emplace_back(text.substr(0, equals), text.substr(equals + 1));
           }
         },
         "NAME=VALUE for librdkafka: SASL, TLS, compression, … May be repeated")
      ->check(check_property)
      ->type_name("TEXT");
}

void add_log_options(CLI::App& app, LogConfig& config) {
  app.add_option_function<std::string>(
         "--log",
         [&config](const std::string& kind) {
           config.kind = kind == "kafka" ? LogConfig::Kind::kafka : LogConfig::Kind::embedded;
         },
         "Where events are kept: embedded (in the data directory) or kafka")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"embedded", "kafka"}))
      ->default_str("embedded");
  add_kafka_options(app, config);
}

void check_log_options(const CLI::App& app, const LogConfig& config) {
  if (config.kind == LogConfig::Kind::kafka) {
    if (!config.bootstrap.empty()) return;
    throw CLI::ValidationError("--kafka.bootstrap", "name the brokers: --log kafka needs it");
  }
  for (const std::string_view option : kKafkaOptions) {
    const CLI::Option* const given = app.get_option_no_throw(std::string(option));
    if (given == nullptr || given->count() == 0) continue;
    throw CLI::ValidationError(std::string(option), "goes with --log kafka alone");
  }
}

Result<std::unique_ptr<log::LogReader>> open_log_for_reading(const LogConfig& config,
                                                             const DataDir& data) {
  if (config.kind == LogConfig::Kind::embedded) {
    return log::open_embedded_log_for_reading(data.log());
  }
  return log::open_kafka_log_for_reading(config.kafka("keyledger-tool"), complain);
}

}  // namespace keyledger
