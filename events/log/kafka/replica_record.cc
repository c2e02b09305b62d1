#include "events/log/kafka/replica_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

#include <simdjson.h>

#include "events/log/json_members.h"
#include "events/log/json_writer.h"

namespace keyledger::log::kafka {
namespace {

enum Member : std::size_t { run, sequence, position, lease_ms, url, roles };

constexpr std::array<std::string_view, 6> kMembers = {"run",      "sequence", "position",
                                                      "lease_ms", "url",      "roles"};

constexpr std::chrono::hours kLongestLease{24 * 365};
constexpr std::chrono::hours kLeaseOfTheUnreadable{1};

std::string_view key_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.key), message.key == nullptr ? 0 : message.key_len};
}

/// Empty if it isn't there.
std::string_view header_of(const rd_kafka_message_t& message, const char* name) {
  rd_kafka_headers_t* headers = nullptr;  // The message's own.
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return {};
  }
  return {static_cast<const char*>(value), size};
}

Instant time_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type{};
  const std::int64_t milliseconds = rd_kafka_message_timestamp(&message, &type);
  return Instant{std::chrono::milliseconds(std::max<std::int64_t>(milliseconds, 0))};
}

/// Fills `record` with what `json` says; `reader` says what is wrong with that.
void read_value(simdjson::dom::object json, MemberReader& reader, ReplicaRecord& record) {
  const JsonMembers<kMembers.size()> members(json, kMembers, reader);
  record.run = members.non_empty_text(reader, run);
  record.sequence = members.number(reader, sequence);
  Replica& replica = record.replica.emplace();
  replica.node = record.node;
  replica.position = Position{members.number(reader, position)};
  const std::uint64_t lease = members.number(reader, lease_ms);
  const auto longest = static_cast<std::uint64_t>(std::chrono::milliseconds(kLongestLease).count());
  if (lease > longest) reader.reject(kMembers[lease_ms], "is longer than a year");
  replica.lease = std::chrono::milliseconds(std::min(lease, longest));
  replica.url = members.text_if_any(reader, url).value_or("");
  replica.roles = members.text_if_any(reader, roles).value_or("");
}

}  // namespace

std::string encode_replica(const Replica& replica, std::string_view of_run,
                           std::uint64_t its_sequence) {
  constexpr std::size_t kUsualBytes = 256;
  JsonWriter json(kUsualBytes);
  json.open_object();
  json.text("node", replica.node);
  json.text(kMembers[run], of_run);
  json.number(kMembers[sequence], its_sequence);
  json.number(kMembers[position], replica.position.value);
  json.number(kMembers[lease_ms], static_cast<unsigned long>(replica.lease.count()));
  json.text(kMembers[url], replica.url);
  json.text(kMembers[roles], replica.roles);
  json.close_object();
  return json.take();
}

ReplicaRecord decode_replica(const rd_kafka_message_t& message, std::string& complaint) {
  complaint.clear();
  ReplicaRecord record;
  record.node = key_of(message);
  record.announced_at = time_of(message);
  if (message.payload == nullptr) {
    record.run = header_of(message, kRunHeader);
    const std::string_view number = header_of(message, kSequenceHeader);
    std::from_chars(number.data(), number.data() + number.size(), record.sequence);
    return record;
  }
  simdjson::dom::parser parser;
  simdjson::dom::object json;
  MemberReader reader;
  const char* value = static_cast<const char*>(message.payload);
  if (parser.parse(value, message.len).get(json)) {
    complaint = "is no JSON object";
  } else {
    read_value(json, reader, record);
    complaint = reader.complaint();
  }
  if (complaint.empty()) return record;
  record.run.clear();
  record.sequence = 0;
  record.replica = Replica{record.node, Position{}, kLeaseOfTheUnreadable, {}, {}};
  return record;
}

}  // namespace keyledger::log::kafka
