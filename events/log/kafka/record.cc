#include "events/log/kafka/record.h"

#include <utility>

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

}  // namespace keyledger::log::kafka
