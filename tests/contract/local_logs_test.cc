#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/event_log_contract.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using testing::ElementsAre;
using testing::Values;

INSTANTIATE_TEST_SUITE_P(Local, EventLogContract, Values(memory_adapter(), embedded_adapter()),
                         name_of);

// What the logs of one process promise beyond the contract of every log: positions without gaps.

class DensePositions : public EventLogContract {};

INSTANTIATE_TEST_SUITE_P(Local, DensePositions, Values(memory_adapter(), embedded_adapter()),
                         name_of);

TEST_P(DensePositions, BeginAtOneAndHaveNoGaps) {
  EXPECT_EQ(append_texts(log(), {"a"}), Position{1});
  EXPECT_EQ(append_texts(log(), {"b", "c", "d"}), Position{4});
  EXPECT_EQ(append_texts(log(), {"e"}), Position{5});
  EXPECT_EQ(end_of(log()), Position{5});
  EXPECT_THAT(read(log(), 0),
              ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}, StoredEvent{{3}, "c"},
                          StoredEvent{{4}, "d"}, StoredEvent{{5}, "e"}));
}

TEST_P(DensePositions, HaveNoGapAfterARefusal) {
  append_texts(log(), {"a"});
  ASSERT_FALSE(log().append(
      {.events = {std::string(kMaxEventBytes + 1, 'x')}, .envelopes = {}, .erased = {}}));
  append_texts(log(), {"b"});
  EXPECT_THAT(read(log(), 0), ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}));
}

TEST_P(DensePositions, HaveNoGapAfterReopening) {
  for (std::uint64_t i = 1; i <= 5; ++i) {
    reopen();
    EXPECT_EQ(append_texts(log(), {std::to_string(i)}), Position{i});
  }
  EXPECT_THAT(read(log(), 3), ElementsAre(StoredEvent{{4}, "4"}, StoredEvent{{5}, "5"}));
}

}  // namespace
}  // namespace keyledger::log
