#include <gmock/gmock.h>

#include "services/commands/writer.h"
#include "services/security/envelope.h"
#include "tests/services/commands/running_ledger.h"

namespace keyledger::commands {
namespace {

const Writer::Options kOnce{.values_once = true};

TEST(ValuesShownOnce, WithoutAnIdempotencyKey_AreKeptNowhere) {
  Disk disk;
  RunningLedger ledger(disk, kOnce);
  const Submission wish = create(disk.ring);
  const auto outcome = ledger.submit(wish);
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->value, value_of(wish));
  EXPECT_FALSE(disk.memory.envelope(outcome->state.key.id).value());
}

TEST(ValuesShownOnce, WithAnIdempotencyKey_CanBeHadByRepeatingTheRequestForADay) {
  Disk disk;
  RunningLedger ledger(disk, kOnce);
  const auto first = ledger.submit(with_key(create(disk.ring), "k"));
  ASSERT_CARRIED_OUT(first);
  const auto envelope = disk.memory.envelope(first->state.key.id).value();
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->erase_after, *first->state.key.created_at + std::chrono::hours{24});

  const auto again = ledger.submit(with_key(create(disk.ring), "k"));
  ASSERT_CARRIED_OUT(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->value, first->value);
}

TEST(ValuesShownOnce, AtAReveal_AreGone) {
  Disk disk;
  RunningLedger ledger(disk, kOnce);
  const auto creation = ledger.submit(with_key(create(disk.ring), "k"));
  ASSERT_CARRIED_OUT(creation);
  const KeyId key = creation->state.key.id;
  expect_refused(ledger.submit(command(RevealValue{}, key)), Errc::gone);
  EXPECT_EQ(end_of(disk.memory), creation->position);
  ASSERT_CARRIED_OUT(ledger.submit(command(DeleteKey{}, key)));
  expect_refused(ledger.submit(command(RevealValue{}, key)), Errc::not_found);
}

TEST(ValuesShownOnce, InADeploymentThatKeepsThemNow_AreGoneAtAReveal) {
  Disk disk;
  std::optional<KeyId> key;
  {
    RunningLedger ledger(disk, kOnce);
    const auto creation = ledger.submit(create(disk.ring));
    ASSERT_CARRIED_OUT(creation);
    key = creation->state.key.id;
  }
  RunningLedger ledger(disk);
  expect_refused(ledger.submit(command(RevealValue{}, key)), Errc::gone);
}

TEST(ValuesShownOnce, WhenTheirDayIsOver_AreErasedAtTheNextStart) {
  Disk disk;
  const Submission wish = with_key(create(disk.ring), "k");
  std::optional<Outcome> first;
  {
    RunningLedger ledger(disk, kOnce);
    const auto outcome = ledger.submit(wish);
    ASSERT_CARRIED_OUT(outcome);
    first = *outcome;
  }
  const KeyId key = first->state.key.id;
  log::Append past;
  past.envelopes.push_back({key, security::seal(disk.ring, wish.account, key, value_of(wish)),
                            now() - std::chrono::seconds{1}});
  ASSERT_TRUE(disk.memory.append(past));

  RunningLedger ledger(disk, kOnce);
  const auto again = ledger.submit(wish);
  ASSERT_CARRIED_OUT(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->state.key, first->state.key);
  EXPECT_FALSE(again->value);
  EXPECT_FALSE(disk.memory.envelope(key).value());
  EXPECT_EQ(end_of(disk.memory), Position{5});
}

}  // namespace
}  // namespace keyledger::commands
