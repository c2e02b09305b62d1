#include "tests/contract/adapters.h"

#include <stdexcept>

#include "events/log/embedded/embedded_log.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

class MemoryUnderTest final : public LogUnderTest {
 public:
  EventLog& log() override { return log_; }
  void reopen() override { log_.reopen(); }

 private:
  MemoryLog log_;
};

class EmbeddedUnderTest final : public LogUnderTest {
 public:
  EmbeddedUnderTest() { reopen(); }

  EventLog& log() override { return *log_; }

  void reopen() override {
    log_.reset();
    auto opened = open_embedded_log(directory_ / "log");
    if (!opened) throw std::runtime_error(opened.error().message);
    log_ = std::move(*opened);
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<EventLog> log_;
};

template <typename T>
std::unique_ptr<LogUnderTest> make() {
  return std::make_unique<T>();
}

}  // namespace

Adapter memory_adapter() { return {"Memory", make<MemoryUnderTest>}; }
Adapter embedded_adapter() { return {"Embedded", make<EmbeddedUnderTest>}; }

}  // namespace keyledger::log
