#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "events/log/kafka/kafka_log.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kElectedWithin{30};

/// Some logs that stand for election, and who is elected.
class Candidates {
 public:
  explicit Candidates(std::size_t count) : options_(fresh_topics()) {
    for (std::size_t i = 0; i < count; ++i) {
      logs_.push_back(must(open_kafka_log(options_, test_logger())));
    }
  }

  EventLog& operator[](std::size_t index) { return *logs_[index]; }

  void stand(std::size_t index) {
    logs_[index]->stand([this] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
  }

  void destroy(std::size_t index) { logs_[index].reset(); }

  /// Waits until just one of those that are there is elected, and returns which. Throws where it
  /// isn't.
  std::size_t wait_for_one() {
    std::unique_lock lock(mutex_);
    const auto deadline = steady_clock::now() + kElectedWithin;
    while (steady_clock::now() < deadline) {
      if (const auto elected = this->elected(); elected.size() == 1) return elected.front();
      changed_.wait_for(lock, std::chrono::milliseconds{100});
    }
    throw std::runtime_error("nobody is elected");
  }

 private:
  std::vector<std::size_t> elected() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < logs_.size(); ++i) {
      if (logs_[i] && logs_[i]->is_elected()) found.push_back(i);
    }
    return found;
  }

  KafkaOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<KafkaLog>> logs_;
};

TEST(KafkaElection, OfOneThatDoesNotStand_IsNotWon) {
  Candidates candidates(1);
  EXPECT_FALSE(candidates[0].is_elected());
  candidates[0].resign();
  EXPECT_FALSE(candidates[0].is_elected());
}

TEST(KafkaElection, PassesToAnother_WhenTheElectedResigns) {
  Candidates candidates(3);
  for (std::size_t i = 0; i < 3; ++i) candidates.stand(i);
  std::vector<bool> has_led(3);
  for (int round = 0; round < 3; ++round) {
    const std::size_t elected = candidates.wait_for_one();
    EXPECT_FALSE(has_led[elected]);
    has_led[elected] = true;
    const auto asked_at = steady_clock::now();
    candidates[elected].resign();
    EXPECT_FALSE(candidates[elected].is_elected());
    if (round == 2) break;
    EXPECT_NE(candidates.wait_for_one(), elected);
    // Sooner than the group would find out by itself.
    EXPECT_LT(steady_clock::now() - asked_at, std::chrono::seconds{5});
  }
}

TEST(KafkaElection, PassesToAnother_WhenTheElectedIsGone) {
  Candidates candidates(2);
  candidates.stand(0);
  ASSERT_EQ(candidates.wait_for_one(), 0U);
  candidates.stand(1);
  const std::size_t elected = candidates.wait_for_one();
  candidates.destroy(elected);
  EXPECT_EQ(candidates.wait_for_one(), 1 - elected);
}

TEST(KafkaElection, OfOneThatStandsAgain_IsWonAgain) {
  Candidates candidates(1);
  for (int round = 0; round < 3; ++round) {
    candidates.stand(0);
    EXPECT_EQ(candidates.wait_for_one(), 0U);
    candidates[0].resign();
  }
}

}  // namespace
}  // namespace keyledger::log
