#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "events/unique_id.h"
#include "projections/rows.h"
#include "projections/store.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using std::chrono::minutes;

// What the fold remembers of commands, and when it forgets it: by the log's time alone.

const std::string kHash(64, 'a');
const std::string kRequest(64, 'b');

class FoldForgetting : public testing::Test {
 protected:
  FoldForgetting() { ledger.tell({ledger.story.account_registered()}); }

  /// An event that happens `after` the story's begin; of a command with an Idempotency-Key, if one
  /// is named.
  Event event_at(std::chrono::microseconds after, const std::string& hash = {}) {
    Event event = ledger.story.account_username_changed("user-" + std::to_string(++users_));
    event.time = kStoryBegins + after;
    event.command = CommandId{make_unique_id(event.time, IdEntropy{std::byte{0x5A}})};
    if (!hash.empty()) event.idempotency = Idempotency{hash, kRequest};
    return event;
  }

  std::optional<IdempotencyRecord> record(const std::string& hash = kHash) const {
    return must(ledger.model().idempotency(hash));
  }
  bool remembers(const Event& event) {
    const auto row = must(ledger.writable_model().store().get(
        Family::commands, commands_key(event.command, event.time, event.time)));
    return row && has_command(*row, event.command);
  }
  std::size_t rows_of(Family family) {
    std::size_t rows = 0;
    must(ledger.writable_model().store().scan(family, {}, {}, false, [&](auto, auto) {
      ++rows;
      return true;
    }));
    return rows;
  }

  Folded ledger;

 private:
  unsigned users_ = 0;
};

TEST_F(FoldForgetting, OfACommandWithAnIdempotencyKey_RemembersWhereItsEventsLie) {
  const KeyId key = nth_key_id(1);
  ledger.tell({ledger.story.key_created(key)});
  auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  for (Event& event : run) event.idempotency = Idempotency{kHash, kRequest};
  ledger.tell(run);
  const auto found = record();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->request_hash, kRequest);
  EXPECT_EQ(found->first, Position{5});
  EXPECT_EQ(found->last, Position{6});
  EXPECT_EQ(found->account, AccountId{"acme"});
  EXPECT_EQ(found->key, key);
  EXPECT_EQ(found->time, run[0].time);
}

TEST_F(FoldForgetting, OfACommandAboutAnAccountAndANewKey_RemembersTheKey) {
  auto run = as_one_command({ledger.story.account_registered("other", "eve@example.com"),
                             ledger.story.key_created(nth_key_id(1), "other")});
  for (Event& event : run) event.idempotency = Idempotency{kHash, kRequest};
  ledger.tell(run);
  EXPECT_EQ(record()->account, AccountId{"other"});
  EXPECT_EQ(record()->key, nth_key_id(1));
}

TEST_F(FoldForgetting, OfACommandAboutAnAccountAlone_RemembersNoKey) {
  ledger.tell({event_at(minutes{1}, kHash)});
  EXPECT_EQ(record()->account, AccountId{"acme"});
  EXPECT_EQ(record()->key, std::nullopt);
  EXPECT_EQ(record(std::string(64, 'c')), std::nullopt);
}

TEST_F(FoldForgetting, BeforeSevenDays_KeepsTheAnswer) {
  ledger.tell({event_at(minutes{1}, kHash), event_at(kIdempotencyRetention + minutes{1})});
  EXPECT_TRUE(record());
}

TEST_F(FoldForgetting, AtTheFirstMinuteAfterSevenDays_ForgetsTheAnswer) {
  ledger.tell({event_at(minutes{1} + std::chrono::seconds{30}, kHash)});
  ledger.tell({event_at(kIdempotencyRetention + minutes{1} + std::chrono::seconds{59})});
  EXPECT_TRUE(record()) << "what is to be forgotten goes by whole minutes";
  ledger.tell({event_at(kIdempotencyRetention + minutes{2})});
  EXPECT_FALSE(record());
  EXPECT_EQ(rows_of(Family::idempotency), 0U);
  EXPECT_EQ(rows_of(Family::idempotency_by_time), 0U);
}

TEST_F(FoldForgetting, OfAnIdempotencyKeyUsedAgain_KeepsTheLaterAnswerForItsOwnTime) {
  ledger.tell({event_at(minutes{1}, kHash)});
  ledger.tell({event_at(kIdempotencyRetention, kHash)});
  EXPECT_EQ(record()->first, Position{5});
  EXPECT_EQ(rows_of(Family::idempotency_by_time), 1U);
  ledger.tell({event_at(kIdempotencyRetention + minutes{5})});
  EXPECT_TRUE(record());
  ledger.tell({event_at(2 * kIdempotencyRetention + minutes{1})});
  EXPECT_FALSE(record());
}

TEST_F(FoldForgetting, AfterSevenDays_ForgetsCommandsAndKeepsYoungerOnes) {
  const Event old = event_at(minutes{1});
  const Event young = event_at(minutes{10});
  ledger.tell({old, young});
  ledger.tell({event_at(kIdempotencyRetention + minutes{5})});
  EXPECT_FALSE(remembers(old));
  EXPECT_TRUE(remembers(young));
  // LedgerCreated, WriterElected and AccountRegistered are as old.
  EXPECT_EQ(rows_of(Family::commands), 2U) << "one a minute";
}

TEST_F(FoldForgetting, AfterARestart_ForgetsTheSame) {
  const Event old = event_at(minutes{1}, kHash);
  ledger.tell({old});
  ledger.reopen();
  ledger.tell({event_at(kIdempotencyRetention + minutes{5})});
  EXPECT_FALSE(remembers(old));
  EXPECT_FALSE(record());
}

TEST_F(FoldForgetting, OfWhatIsForgotten_KeepsTheHistory) {
  ledger.tell({event_at(minutes{1}, kHash)});
  ledger.tell({event_at(2 * kIdempotencyRetention)});
  EXPECT_EQ(positions_about(ledger.model(), "acme"), (std::vector<std::uint64_t>{3, 4, 5}));
}

TEST_F(FoldForgetting, OfASkippedRun_ForgetsNothing) {
  ledger.tell({event_at(minutes{1}, kHash)});
  Event late = event_at(2 * kIdempotencyRetention);
  late.term = Term{nth_unique_id(999)};
  ledger.tell({late});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_TRUE(record());
}

TEST_F(FoldForgetting, InThePageThatIsReadOnceMoreForABadRun_ForgetsTheSame) {
  ledger.tell({event_at(minutes{1}, kHash)});
  auto page = encoded({event_at(2 * kIdempotencyRetention)});
  page.emplace_back("{}");
  expect_error(ledger.apply(page), Errc::damaged);
  EXPECT_FALSE(record());
  EXPECT_EQ(ledger.position(), Position{5});
}

}  // namespace
}  // namespace keyledger::projections
