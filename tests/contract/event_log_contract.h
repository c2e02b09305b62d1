#pragma once

#include <memory>

#include <gtest/gtest.h>

#include "tests/contract/adapters.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {

/// The suite of what every adapter of the log promises, of a log that this process writes. Who has
/// an adapter instantiates it.
class EventLogContract : public testing::TestWithParam<Adapter> {
 protected:
  EventLogContract() { must(log().take_over()); }

  EventLog& log() { return under_test_->log(); }

  void reopen() {
    under_test_->reopen();
    must(log().take_over());
  }

 private:
  std::unique_ptr<LogUnderTest> under_test_ = GetParam().make();
};

/// How a test's name tells the adapter.
inline std::string name_of(const testing::TestParamInfo<Adapter>& adapter) {
  return adapter.param.name;
}

}  // namespace keyledger::log
