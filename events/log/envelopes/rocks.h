#pragma once

#include <memory>
#include <string>

#include "events/result.h"

namespace rocksdb {
class Logger;
class Status;
}  // namespace rocksdb

namespace keyledger::log {

// How this program takes RocksDB, in every log.

/// `damaged` or `io`, as RocksDB's status says, with `what` failed.
Error rocksdb_error(const rocksdb::Status& status, const std::string& what);

/// Whether an opening failed because another has the directory open, in this process or another.
bool is_somebody_elses_lock(const rocksdb::Status& status);

/// Drops what RocksDB tells of itself: what matters comes as a status too. RocksDB's own logger
/// writes beside the data, and aborts the program at the second line that a full disk refuses.
std::shared_ptr<rocksdb::Logger> make_no_logger();

}  // namespace keyledger::log
