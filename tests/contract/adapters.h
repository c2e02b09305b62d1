#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "events/log/event_log.h"

namespace keyledger::log {

/// One log of its own, through one adapter, for the contract suite.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual EventLog& log() = 0;

  /// Closes the log and opens it again, as after a restart.
  virtual void reopen() = 0;
};

struct Adapter {
  std::string name;
  std::unique_ptr<LogUnderTest> (*make)();
};

/// How GoogleTest prints an adapter.
inline void PrintTo(const Adapter& adapter, std::ostream* out) { *out << adapter.name; }

Adapter memory_adapter();
Adapter embedded_adapter();

}  // namespace keyledger::log
