#pragma once

#include <librdkafka/rdkafka.h>
#include <string_view>

namespace keyledger::log::kafka {

// Arguments of rd_kafka_produceva(), which copies what they point to before it returns.

inline rd_kafka_vu_t memory(rd_kafka_vtype_t type, std::string_view bytes) {
  rd_kafka_vu_t argument{};
  argument.vtype = type;
  // Not const, for callers that give it away.
  argument.u.mem.ptr = const_cast<char*>(bytes.data());
  argument.u.mem.size = bytes.size();
  return argument;
}

/// `name` ends with a zero byte.
inline rd_kafka_vu_t header(std::string_view name, std::string_view value) {
  rd_kafka_vu_t argument{};
  argument.vtype = RD_KAFKA_VTYPE_HEADER;
  argument.u.header.name = name.data();
  argument.u.header.val = value.data();
  argument.u.header.size = static_cast<ssize_t>(value.size());
  return argument;
}

inline rd_kafka_vu_t place(rd_kafka_topic_t* topic) {
  rd_kafka_vu_t argument{};
  argument.vtype = RD_KAFKA_VTYPE_RKT;
  argument.u.rkt = topic;
  return argument;
}

}  // namespace keyledger::log::kafka
