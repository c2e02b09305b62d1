#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "events/log/event_log.h"
#include "events/log/kafka/client.h"
#include "events/log/kafka/partition_reader.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// What it means that a reader of `topic` can't go on at offset `next`, where its bounds are
/// `bounds` as asked since: `damaged`, with position and advice, or `unavailable`.
Error judge(const Trouble& trouble, const std::string& topic, std::int64_t next,
            const Result<Bounds>& bounds);

/// Whether a record can't be an event.
inline bool is_damaged(const rd_kafka_message_t& message) {
  return message.payload == nullptr || message.len > kMaxEventBytes;
}

/// `damaged`: the record of `size` bytes at `position` can't be an event.
Error not_an_event(Position position, const std::string& topic);

/// The position of the record at `offset`.
inline Position to_position(std::int64_t offset) {
  return Position{static_cast<std::uint64_t>(offset) + 1};
}

/// The offset of the record at `position`, which isn't 0.
inline std::int64_t offset_of(Position position) {
  return static_cast<std::int64_t>(position.value) - 1;
}

/// The offset at which the records after `position` begin. Positions that no offset has count as
/// the largest.
std::int64_t offset_after(Position position);

}  // namespace keyledger::log::kafka
