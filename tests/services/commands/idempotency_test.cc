#include <gmock/gmock.h>

#include "events/log/embedded/embedded_log.h"
#include "services/commands/writer.h"
#include "services/security/envelope.h"
#include "tests/services/commands/running_ledger.h"
#include "tests/support/events.h"

namespace keyledger::commands {
namespace {

using testing::ElementsAre;

class RepeatedCommand : public testing::Test {
 protected:
  Disk disk;
  RunningLedger ledger{disk};
};

/// Expects that both tell of the same: what an answer is made of, but that it is a repetition.
void expect_same_answer(const Outcome& first, const Outcome& again) {
  EXPECT_EQ(again.position, first.position);
  EXPECT_EQ(again.state.key, first.state.key);
  EXPECT_EQ(again.value, first.value);
  EXPECT_TRUE(again.replayed);
}

TEST_F(RepeatedCommand, WithTheSameRequest_IsAnsweredWithTheFirstAnswerAndWritesNothing) {
  const auto first = ledger.submit(with_key(create(disk.ring), "k"));
  ASSERT_CARRIED_OUT(first);
  EXPECT_FALSE(first->replayed);
  // A repeated HTTP request brings a fresh value along; it isn't used.
  const auto again = ledger.submit(with_key(create(disk.ring), "k"));
  ASSERT_CARRIED_OUT(again);
  expect_same_answer(*first, *again);
  EXPECT_EQ(end_of(disk.memory), Position{4});
}

TEST_F(RepeatedCommand, WithAnotherRequest_IsRefused) {
  ASSERT_CARRIED_OUT(ledger.submit(with_key(create(disk.ring), "k", "one")));
  expect_refused(ledger.submit(with_key(create(disk.ring), "k", "two")),
                 Errc::idempotency_mismatch);
  EXPECT_EQ(end_of(disk.memory), Position{4});
}

TEST_F(RepeatedCommand, WithAnotherIdempotencyKey_IsAnotherCommand) {
  ASSERT_CARRIED_OUT(ledger.submit(with_key(create(disk.ring), "k")));
  const auto other = ledger.submit(with_key(create(disk.ring), "l"));
  ASSERT_CARRIED_OUT(other);
  EXPECT_FALSE(other->replayed);
  EXPECT_EQ(end_of(disk.memory), Position{5});
}

TEST_F(RepeatedCommand, BesideTheFirst_WaitsForItsAnswer) {
  HeldLog::Hold append(disk.log, HeldLog::Call::append);
  auto busy = ledger.start(create(disk.ring));
  ASSERT_TRUE(append.wait_until_held());
  std::vector<std::future<Answer>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(ledger.start(with_key(create(disk.ring), "k")));
  auto other = ledger.start(with_key(create(disk.ring), "k", "another request"));
  ledger.settle();
  append.release();

  ASSERT_CARRIED_OUT(RunningLedger::answer(std::move(busy)));
  const auto first = RunningLedger::answer(std::move(futures.front()));
  ASSERT_CARRIED_OUT(first);
  EXPECT_FALSE(first->replayed);
  for (std::size_t i = 1; i < futures.size(); ++i) {
    const auto again = RunningLedger::answer(std::move(futures[i]));
    ASSERT_CARRIED_OUT(again);
    expect_same_answer(*first, *again);
  }
  expect_refused(RunningLedger::answer(std::move(other)), Errc::idempotency_mismatch);
  EXPECT_EQ(end_of(disk.memory), Position{5});
  EXPECT_EQ(ledger.writer().stats().commands.load(), 7u);
}

TEST_F(RepeatedCommand, AfterLaterChanges_ShowsTheOriginalRepresentation) {
  const auto first = ledger.submit(with_key(create(disk.ring, "build"), "create"));
  ASSERT_CARRIED_OUT(first);
  const KeyId key = first->state.key.id;
  const auto renamed = ledger.submit(with_key(rename(key, "deploy"), "rename"));
  ASSERT_CARRIED_OUT(renamed);
  ASSERT_CARRIED_OUT(ledger.submit(disable(key)));

  const auto again = ledger.submit(with_key(create(disk.ring, "build"), "create"));
  ASSERT_CARRIED_OUT(again);
  expect_same_answer(*first, *again);
  const auto renamed_again = ledger.submit(with_key(rename(key, "deploy"), "rename"));
  ASSERT_CARRIED_OUT(renamed_again);
  expect_same_answer(*renamed, *renamed_again);
  EXPECT_TRUE(renamed_again->state.key.enabled);
}

TEST_F(RepeatedCommand, AfterTheKeysDeletion_HasTheRepresentationWithoutTheValue) {
  const auto first = ledger.submit(with_key(create(disk.ring), "create"));
  ASSERT_CARRIED_OUT(first);
  const auto deletion = with_key(command(DeleteKey{}, first->state.key.id), "delete");
  const auto deleted = ledger.submit(deletion);
  ASSERT_CARRIED_OUT(deleted);

  const auto again = ledger.submit(with_key(create(disk.ring), "create"));
  ASSERT_CARRIED_OUT(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->state.key, first->state.key);
  EXPECT_FALSE(again->value);
  const auto deleted_again = ledger.submit(deletion);
  ASSERT_CARRIED_OUT(deleted_again);
  expect_same_answer(*deleted, *deleted_again);
}

TEST_F(RepeatedCommand, OfAReveal_GivesTheValueAgainAndRecordsItOnce) {
  const Submission wish = create(disk.ring);
  const auto creation = ledger.submit(wish);
  ASSERT_CARRIED_OUT(creation);
  const auto reveal = with_key(command(RevealValue{}, creation->state.key.id), "reveal");
  ASSERT_CARRIED_OUT(ledger.submit(reveal));
  const auto again = ledger.submit(reveal);
  ASSERT_CARRIED_OUT(again);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->value, value_of(wish));
  EXPECT_THAT(type_names(events_after(disk.memory, creation->position)),
              ElementsAre("KeyValueRevealed"));
}

TEST_F(RepeatedCommand, OfAnAccount_TellsARegistrationFromARename) {
  const auto registration = with_key(command(PutAccount{Username{"ada@example.com"}}), "register");
  const auto change = with_key(command(PutAccount{Username{"ada@example.org"}}), "rename");
  ASSERT_CARRIED_OUT(ledger.submit(registration));
  ASSERT_CARRIED_OUT(ledger.submit(change));

  const auto registered = ledger.submit(registration);
  ASSERT_CARRIED_OUT(registered);
  EXPECT_TRUE(registered->replayed);
  EXPECT_TRUE(registered->registered);
  EXPECT_EQ(registered->state.account.username, Username{"ada@example.com"});
  const auto renamed = ledger.submit(change);
  ASSERT_CARRIED_OUT(renamed);
  EXPECT_TRUE(renamed->replayed);
  EXPECT_FALSE(renamed->registered);
  EXPECT_EQ(renamed->state.account.username, Username{"ada@example.org"});
}

TEST_F(RepeatedCommand, ThatWasRefused_IsDecidedAgain) {
  Submission wish = with_key(create(disk.ring), "k");
  std::get<NewKey>(wish.wish).register_as.reset();
  expect_refused(ledger.submit(wish), Errc::account_unknown);
  ASSERT_CARRIED_OUT(ledger.submit(command(PutAccount{Username{"ada@example.com"}})));
  const auto outcome = ledger.submit(wish);
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_FALSE(outcome->replayed);
}

TEST_F(RepeatedCommand, ThatChangedNothing_IsDecidedAgain) {
  const auto creation = ledger.submit(create(disk.ring, "build"));
  ASSERT_CARRIED_OUT(creation);
  const KeyId key = creation->state.key.id;
  const auto wish = with_key(rename(key, "build"), "k");
  ASSERT_CARRIED_OUT(ledger.submit(wish));
  ASSERT_CARRIED_OUT(ledger.submit(rename(key, "deploy")));
  const auto outcome = ledger.submit(wish);
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_FALSE(outcome->replayed);
  EXPECT_EQ(outcome->state.key.version, Version{3});
}

TEST(RepeatedCommandAfterARestart, OfLogAndModel_IsAnsweredWithTheFirstAnswer) {
  const TemporaryDirectory directory;
  const auto ring = security::KeyRing::generate();
  std::optional<Outcome> first;
  for (int run = 0; run < 2; ++run) {
    auto log = log::open_embedded_log(directory / "log");
    ASSERT_TRUE(log) << log.error().message;
    RunningLedger ledger(**log, ring, directory / "read-model");
    const auto outcome = ledger.submit(with_key(create(ring), "k"));
    ASSERT_CARRIED_OUT(outcome);
    if (first) {
      expect_same_answer(*first, *outcome);
      EXPECT_EQ(end_of(**log), Position{6});
    } else {
      first = *outcome;
      ASSERT_CARRIED_OUT(ledger.submit(rename(first->state.key.id, "deploy")));
    }
  }
}

/// A log in which a key was created `ago` with the Idempotency-Key "k".
void tell_of_creation(Disk& disk, std::chrono::microseconds ago, const Submission& wish) {
  const Instant then = now() - ago;
  const KeyId key = nth_key_id(1);
  const NewKey& made = std::get<NewKey>(wish.wish);
  log::Append past;
  Term term;
  unsigned id = 0;
  const auto tell = [&](Fact fact, bool by_ada) {
    Event event{};
    event.id = nth_unique_id(++id);
    event.time = then;
    event.term = term;
    event.command = CommandId{nth_unique_id(++id)};
    event.actor.subject = "user-ada";
    if (by_ada) event.account = wish.account;
    if (is_about_a_key(fact)) {
      event.key = key;
      event.version = Version{1};
      event.idempotency = wish.idempotency;
    }
    event.fact = std::move(fact);
    past.events.push_back(log::encode(event, nth_unique_id(0)).value());
    return event.id;
  };
  tell(LedgerCreated{nth_unique_id(0), disk.ring.pepper_fingerprint()}, false);
  term = Term{tell(WriterElected{"local", ""}, false)};
  tell(AccountRegistered{Username{"ada@example.com"}}, true);
  tell(KeyCreated{key, made.name, std::nullopt, true, std::nullopt, made.digest, made.value_hint},
       true);
  past.envelopes.push_back(
      {key, security::seal(disk.ring, wish.account, key, made.value), std::nullopt});
  ASSERT_TRUE(disk.memory.append(past));
}

TEST(RepeatedCommandByAge, OfAlmostSevenDays_IsAnsweredWithTheFirstAnswer) {
  Disk disk;
  const Submission wish = with_key(create(disk.ring), "k");
  tell_of_creation(disk, projections::kIdempotencyRetention - std::chrono::hours{1}, wish);
  RunningLedger ledger(disk);
  const auto outcome = ledger.submit(wish);
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_TRUE(outcome->replayed);
  EXPECT_EQ(outcome->position, Position{4});
  EXPECT_EQ(outcome->value, value_of(wish));
}

TEST(RepeatedCommandByAge, OfMoreThanSevenDays_IsDecidedAgain) {
  Disk disk;
  const Submission wish = with_key(create(disk.ring), "k");
  tell_of_creation(disk, projections::kIdempotencyRetention + std::chrono::hours{1}, wish);
  RunningLedger ledger(disk);
  const auto outcome = ledger.submit(with_key(create(disk.ring), "k", "another request"));
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_FALSE(outcome->replayed);
  EXPECT_EQ(end_of(disk.memory), Position{6});
}

}  // namespace
}  // namespace keyledger::commands
