#include "events/log/kafka/record.h"

#include "events/log/kafka/arguments.h"
#include "events/log/kafka/record_headers.h"

namespace keyledger::log::kafka {

Record event_record(std::string_view event) {
  RecordHeaders routing = record_headers(event);
  return {routing.account, event, std::move(routing.headers)};
}

Record envelope_record(const Envelope& envelope, std::string& erase_after) {
  Record record{envelope.key.value, envelope.sealed, {}};
  if (envelope.erase_after) {
    erase_after = std::to_string(envelope.erase_after->time_since_epoch().count());
    record.headers.emplace_back(kEraseAfterHeader, erase_after);
  }
  return record;
}

Failure produce(const Client& client, const Topic& topic, const Record& record) {
  std::vector<rd_kafka_vu_t> arguments(3);
  arguments[0] = place(topic.get());
  arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[1].u.i32 = kPartition;
  arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments.push_back(memory(RD_KAFKA_VTYPE_VALUE, record.value));
  if (!record.key.empty()) arguments.push_back(memory(RD_KAFKA_VTYPE_KEY, record.key));
  for (const auto& [name, value] : record.headers) arguments.push_back(header(name, value));
  return Failure(rd_kafka_produceva(client.get(), arguments.data(), arguments.size()));
}

}  // namespace keyledger::log::kafka
