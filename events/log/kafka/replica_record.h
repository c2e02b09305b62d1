#pragma once

#include <string>
#include <string_view>

#include "events/log/kafka/client.h"
#include "events/log/replica_table.h"

namespace keyledger::log::kafka {

// Headers of a withdrawal: which of the node's runs it is for, and its sequence in that.
inline constexpr const char* kRunHeader = "keyledger-run";
inline constexpr const char* kSequenceHeader = "keyledger-sequence";

/// The value of a record that announces: JSON. The record's key is the node's id.
std::string encode_replica(const Replica& replica, std::string_view run, std::uint64_t sequence);

/// What a record says; members that this program doesn't know are passed over. One that can't be
/// read stands for a replica that has applied nothing, which nobody can tell to be dead for an
/// hour: so that none is missed. `complaint` then says what is wrong with it, else nothing.
ReplicaRecord decode_replica(const rd_kafka_message_t& message, std::string& complaint);

}  // namespace keyledger::log::kafka
