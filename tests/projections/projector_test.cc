#include "projections/projector.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/projections/folded.h"
#include "tests/support/memory_log.h"

namespace keyledger::projections {
namespace {

void say_nothing(const Progress& /*progress*/) {}

/// A read model that is to catch up with a log.
class CatchingUp : public testing::Test {
 protected:
  CatchingUp() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(key)});
  }

  /// What a process's projector says that catches up with `with` and ends.
  Result<void> catch_up(const log::LogReader& with) {
    Projector projector(with, *model, [](const Error&) {});
    auto caught_up = projector.catch_up(say_nothing);
    reached = projector.gate().position();
    applied_events = projector.stats().applied_events;
    rejected_runs = projector.stats().rejected_runs;
    halted = projector.halted();
    return caught_up;
  }
  Position position() const { return must(model->meta()).position; }

  const KeyId key = nth_key_id(1);
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
  std::unique_ptr<ReadModel> model = opened(directory / "read-model");
  Position reached;
  std::uint64_t applied_events = 0;
  std::uint64_t rejected_runs = 0;
  std::optional<Halt> halted;
};

TEST_F(CatchingUp, WithALog_AppliesAllOfItAndOpensTheGateThere) {
  must(catch_up(log));
  EXPECT_EQ(position(), Position{4});
  EXPECT_EQ(reached, Position{4});
  EXPECT_EQ(applied_events, 4U);
  EXPECT_EQ(must(model->key(AccountId{"acme"}, key)).version, Version{1});
}

TEST_F(CatchingUp, ASecondTime_AppliesWhatCameSince) {
  must(catch_up(log));
  append_events(log, {story.about(key, KeyDisabled{})});
  must(catch_up(log));
  EXPECT_EQ(applied_events, 1U);
  must(catch_up(log));
  EXPECT_EQ(applied_events, 0U);
  EXPECT_EQ(reached, Position{5});
}

TEST_F(CatchingUp, WithAnEmptyLog_IsDone) {
  const log::MemoryLog empty;
  must(catch_up(empty));
  EXPECT_EQ(reached, Position{0});
}

TEST_F(CatchingUp, WithSkippedRuns_CountsThem) {
  Event late = story.account_username_changed("late@example.com");
  late.term = Term{nth_unique_id(999)};
  append_events(log, {late, late});
  must(catch_up(log));
  EXPECT_EQ(rejected_runs, 2U);
  EXPECT_EQ(reached, Position{6});
}

TEST_F(CatchingUp, WithAnotherLog_IsRefused) {
  must(catch_up(log));
  log::MemoryLog other;
  Story theirs;
  Event created = theirs.ledger_created();
  std::get<LedgerCreated>(created.fact).log_id = nth_unique_id(77);
  append_events(other, {created, theirs.writer_elected(), theirs.account_registered(),
                        theirs.key_created(key), theirs.about(key, KeyDisabled{})});
  const std::string before = must(model->checksum()).hex;
  expect_error(catch_up(other), Errc::incompatible, nth_unique_id(77));
  EXPECT_EQ(must(model->checksum()).hex, before);
}

TEST_F(CatchingUp, WithALogThatEndsBeforeTheModel_IsRefused) {
  must(catch_up(log));
  log::MemoryLog restored;
  Story again;
  append_events(restored, {again.ledger_created(), again.writer_elected()});
  expect_error(catch_up(restored), Errc::damaged, "the log ends at position 2");
  const log::MemoryLog empty;
  expect_error(catch_up(empty), Errc::damaged, "the log ends at position 0");
}

TEST_F(CatchingUp, WithALogThatDoesNotBeginWithLedgerCreated_IsRefused) {
  must(catch_up(log));
  log::MemoryLog other;
  Story theirs;
  append_events(other, {theirs.writer_elected(), theirs.writer_elected(), theirs.writer_elected(),
                        theirs.writer_elected()});
  expect_error(catch_up(other), Errc::damaged, "no LedgerCreated");
}

TEST_F(CatchingUp, WithAnEventThatDoesNotFollow_StopsBeforeIt) {
  Event bad = story.about(key, KeyDisabled{});
  bad.version = Version{7};
  append_events(log, {story.account_username_changed("bob@example.com"), bad,
                      story.account_username_changed("eve@example.com")});
  expect_error(catch_up(log), Errc::damaged, "position 6");
  EXPECT_EQ(reached, Position{5});
  EXPECT_EQ(position(), Position{5});
  EXPECT_EQ(must(model->account(AccountId{"acme"})).username.value, "bob@example.com");
}

TEST_F(CatchingUp, WithAnEventThatTheLogCannotRead_StopsBeforeIt) {
  append_events(log, {story.about(key, KeyDisabled{})});
  log.damage(Position{5});
  expect_error(catch_up(log), Errc::damaged, "position 5");
  EXPECT_EQ(reached, Position{4});
}

TEST_F(CatchingUp, WithARunThatHasNoEnd_StopsBeforeIt) {
  const auto run = story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  append_events(log, {run[0]});
  expect_error(catch_up(log), Errc::damaged, "position 5: the command that begins here has no end");
  EXPECT_EQ(position(), Position{4});
  append_events(log, {run[1]});
  must(catch_up(log));
  EXPECT_EQ(position(), Position{6});
}

TEST_F(CatchingUp, WithMoreEventsThanAPageHas_AppliesTheRunThatLiesAcross) {
  constexpr std::size_t kPageEvents = 4096;
  std::vector<Event> events;
  while (events.size() + 4 + 2 < kPageEvents) {
    events.push_back(story.about(key, KeyValueRevealed{}));
  }
  const auto run = story.command_about(
      key, {KeyRenamed{{"new"}}, KeyDescribed{}, KeyExpiryChanged{}, KeyDisabled{}});
  events.insert(events.end(), run.begin(), run.end());
  append_events(log, events);
  must(catch_up(log));
  EXPECT_EQ(position(), Position{kPageEvents + 2});
  EXPECT_EQ(must(model->key(AccountId{"acme"}, key)).version, Version{5});
}

/// A log that goes on until somebody has been told how far its reader is.
class LogUntilReported final : public log::LogReader {
 public:
  static constexpr Position kEnd{20'000};

  void reported() { reported_ = true; }

  Result<std::vector<log::StoredEvent>> read_after(Position position,
                                                   std::size_t /*max*/) const override {
    if (reported_ || std::chrono::steady_clock::now() > give_up_) {
      return std::vector<log::StoredEvent>{};
    }
    const std::scoped_lock lock(mutex_);
    const Event event = position == Position{} ? story_.ledger_created() : story_.writer_elected();
    return stored_after(position, encoded({event}));
  }
  Result<Position> end() const override { return kEnd; }
  Position known_end() const override { return kEnd; }
  bool wait_beyond(Position, std::stop_token, std::chrono::milliseconds) const override {
    return false;
  }
  Result<std::optional<log::Envelope>> envelope(const KeyId&) const override {
    return std::nullopt;
  }
  Result<std::vector<KeyId>> envelopes_due(Instant, std::size_t) const override {
    return std::vector<KeyId>{};
  }

 private:
  mutable std::mutex mutex_;
  mutable Story story_;  ///< Guarded by mutex_.
  std::atomic<bool> reported_{false};
  std::chrono::steady_clock::time_point give_up_ =
      std::chrono::steady_clock::now() + std::chrono::seconds{60};
};

TEST_F(CatchingUp, WithALongLog_TellsHowFarItIs) {
  LogUntilReported long_log;
  std::optional<Progress> told;
  Projector projector(long_log, *model, [](const Error&) {});
  must(projector.catch_up([&](const Progress& progress) {
    told = progress;
    long_log.reported();
  }));
  ASSERT_TRUE(told);
  EXPECT_GT(told->position, Position{});
  EXPECT_LE(told->position, position());
  EXPECT_EQ(told->end, LogUntilReported::kEnd);
  EXPECT_GT(told->events_per_second, 0);
  EXPECT_TRUE(told->time_left);
}

}  // namespace
}  // namespace keyledger::projections
