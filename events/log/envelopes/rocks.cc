#include "events/log/envelopes/rocks.h"

#include <cstdarg>

#include <rocksdb/env.h>
#include <rocksdb/status.h>

namespace keyledger::log {
namespace {

class NoLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

Error rocksdb_error(const rocksdb::Status& status, const std::string& what) {
  return {status.IsCorruption() ? Errc::damaged : Errc::io, what + ": " + status.ToString(), {}};
}

bool is_somebody_elses_lock(const rocksdb::Status& status) {
  // RocksDB has no code for it. The first is said within one process, the second between two.
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("lock hold by current process") != text.npos ||
                                text.find("While lock file") != text.npos);
}

std::shared_ptr<rocksdb::Logger> make_no_logger() { return std::make_shared<NoLogger>(); }

}  // namespace keyledger::log
