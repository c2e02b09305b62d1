#include "events/log/kafka/produce.h"

#include <memory>

namespace keyledger::log::kafka {
namespace {

using Headers = std::unique_ptr<rd_kafka_headers_t, Frees<rd_kafka_headers_destroy>>;

/// The argument points to what librdkafka copies before the call returns, and has not const for
/// callers that give it away.
rd_kafka_vu_t memory(rd_kafka_vtype_t type, std::string_view bytes) {
  rd_kafka_vu_t argument{};
  argument.vtype = type;
  argument.u.mem.ptr = const_cast<char*>(bytes.data());
  argument.u.mem.size = bytes.size();
  return argument;
}

}  // namespace

/// The headers are given as a list of ours: those that are given one by one librdkafka 2.0.2 frees
/// twice where it refuses the record for its topic, which was deleted or isn't for us any more.
Failure produce(const Client& client, const Topic& topic, const Record& record) {
  Headers headers;
  if (!record.headers.empty()) headers.reset(rd_kafka_headers_new(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  std::vector<rd_kafka_vu_t> arguments(3);
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = topic.get();
  arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[1].u.i32 = kPartition;
  arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments.push_back(memory(RD_KAFKA_VTYPE_VALUE, record.value));
  if (!record.key.empty()) arguments.push_back(memory(RD_KAFKA_VTYPE_KEY, record.key));
  rd_kafka_headers_t* const given = headers.release();
  if (given != nullptr) {
    arguments.emplace_back().vtype = RD_KAFKA_VTYPE_HEADERS;
    arguments.back().u.headers = given;
  }
  Failure failure(rd_kafka_produceva(client.get(), arguments.data(), arguments.size()));
  if (failure) headers.reset(given);  // Only a record that is taken frees them.
  return failure;
}

}  // namespace keyledger::log::kafka
