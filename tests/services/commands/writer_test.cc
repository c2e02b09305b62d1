#include "services/commands/writer.h"

#include <algorithm>

#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>

#include "projections/read_model.h"
#include "tests/services/commands/running_ledger.h"

namespace keyledger::commands {
namespace {

using testing::ElementsAre;

class WriterOfCommands : public testing::Test {
 protected:
  /// A key that is there.
  KeyId created(std::string_view name = "build") {
    const auto outcome = ledger.submit(create(disk.ring, name));
    if (!outcome) throw std::runtime_error(outcome.error().message);
    return outcome->state.key.id;
  }

  Disk disk;
  RunningLedger ledger{disk};
};

TEST(WriterThatLeads, InAnEmptyLog_CreatesTheLedgerAndOpensATerm) {
  Disk disk;
  RunningLedger ledger(disk, {.node = "node-7"});
  ASSERT_TRUE(ledger.led()) << ledger.led().error().message;
  EXPECT_TRUE(ledger.writer().leads());

  const auto events = events_after(disk.memory);
  ASSERT_EQ(events.size(), 2u);
  const auto& created = std::get<LedgerCreated>(events[0].fact);
  EXPECT_EQ(created.pepper_fingerprint, disk.ring.pepper_fingerprint());
  EXPECT_EQ(events[1].fact, Fact(WriterElected{"node-7", "http://192.0.2.1:8080"}));
  const auto meta = ledger.model().meta().value();
  EXPECT_EQ(meta.log_id, created.log_id);
  EXPECT_EQ(meta.term.value, events[1].id);
}

TEST(WriterThatLeads, InALogThatWasCreated_OpensANewTermAlone) {
  Disk disk;
  {
    RunningLedger first(disk);
  }
  RunningLedger second(disk);
  ASSERT_TRUE(second.led()) << second.led().error().message;
  EXPECT_THAT(type_names(events_after(disk.memory)),
              ElementsAre("LedgerCreated", "WriterElected", "WriterElected"));

  ASSERT_CARRIED_OUT(second.submit(create(disk.ring)));
  const auto events = events_after(disk.memory);
  EXPECT_EQ(events.back().term.value, events[2].id);
}

TEST_F(WriterOfCommands, AtAKeysCreation_AnswersWithValueStateAndPositionThatAreApplied) {
  const Submission wish = create(disk.ring);
  const auto outcome = ledger.submit(wish);
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->value, value_of(wish));
  EXPECT_TRUE(outcome->registered);
  EXPECT_FALSE(outcome->replayed);
  EXPECT_EQ(outcome->position, Position{4});
  EXPECT_EQ(outcome->state.key.version, Version{1});
  EXPECT_EQ(outcome->state.account.username, Username{"ada@example.com"});

  EXPECT_EQ(ledger.projector().gate().position(), Position{4});
  EXPECT_EQ(ledger.model().key(wish.account, outcome->state.key.id).value(), outcome->state.key);
  const auto grant = ledger.model().grant(std::get<NewKey>(wish.wish).digest).value();
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->key, outcome->state.key.id);
}

TEST_F(WriterOfCommands, WithACommandOfTwoFacts_RecordsWhoAskedAndTheirPlaces) {
  Submission wish = create(disk.ring);
  wish.reason = Reason{"for the nightly build"};
  wish.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_CARRIED_OUT(ledger.submit(wish));

  const auto events = events_after(disk.memory, Position{2});
  ASSERT_THAT(type_names(events), ElementsAre("AccountRegistered", "KeyCreated"));
  EXPECT_EQ(events[0].command, events[1].command);
  EXPECT_EQ(events[0].place, (Place{1, 2}));
  EXPECT_EQ(events[1].place, (Place{2, 2}));
  for (const Event& event : events) {
    EXPECT_EQ(event.actor, wish.actor);
    EXPECT_EQ(event.reason, wish.reason);
    EXPECT_EQ(event.traceparent, wish.traceparent);
  }
}

TEST_F(WriterOfCommands, BeforeTheProjectorHasApplied_DoesNotAnswer) {
  HeldLog::Hold projector(disk.log, HeldLog::Call::read);
  auto future = ledger.start(create(disk.ring));
  // What is held first may be the look at what the node's start wrote.
  ASSERT_TRUE(disk.memory.wait_beyond(Position{3}, {}, std::chrono::seconds{20}));
  ASSERT_TRUE(projector.wait_until_held());
  EXPECT_EQ(end_of(disk.memory), Position{4});
  ledger.settle();
  EXPECT_NE(future.wait_for(std::chrono::seconds{0}), std::future_status::ready);

  projector.release();
  const auto outcome = RunningLedger::answer(std::move(future));
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->position, Position{4});
}

TEST_F(WriterOfCommands, WithWhatTheDomainRefuses_PassesTheRefusalOnAndWritesNothing) {
  const KeyId key = created();
  const Position before = end_of(disk.memory);

  expect_refused(ledger.submit(rename(KeyId{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8"}, "deploy")),
                 Errc::not_found);
  expect_refused(ledger.submit(command(DeleteKey{Version{7}}, key)), Errc::version_mismatch);
  Submission past = create(disk.ring);
  std::get<NewKey>(past.wish).expires_at = now() - std::chrono::hours{1};
  const auto refused = ledger.submit(past);
  expect_refused(refused, Errc::invalid);
  EXPECT_THAT(refused.error().fields,
              ElementsAre(FieldError{"/expires_at", "must be in the future"}));
  Submission stranger = create(disk.ring);
  stranger.account = AccountId{"globex"};
  std::get<NewKey>(stranger.wish).register_as.reset();
  expect_refused(ledger.submit(stranger), Errc::account_unknown);

  EXPECT_EQ(end_of(disk.memory), before);
}

TEST_F(WriterOfCommands, WithWhatAlreadyHolds_AnswersAtTheModelsPositionAndWritesNothing) {
  const KeyId key = created();
  const auto outcome = ledger.submit(rename(key, "build"));
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->position, Position{4});
  EXPECT_EQ(outcome->state.key.version, Version{1});
  EXPECT_EQ(end_of(disk.memory), Position{4});
}

TEST_F(WriterOfCommands, AtADeletion_ErasesTheValue) {
  const KeyId key = created();
  ASSERT_TRUE(disk.memory.envelope(key).value());
  const auto outcome = ledger.submit(command(DeleteKey{}, key));
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->state.key.status, KeyState::Status::deleted);
  EXPECT_FALSE(disk.memory.envelope(key).value());
  expect_refused(ledger.submit(command(DeleteKey{}, key)), Errc::not_found);
  expect_refused(ledger.submit(command(RevealValue{}, key)), Errc::not_found);
}

TEST_F(WriterOfCommands, AtAReveal_GivesTheValueAndRecordsItWithoutAStep) {
  const Submission wish = create(disk.ring);
  const auto creation = ledger.submit(wish);
  ASSERT_CARRIED_OUT(creation);
  const auto outcome = ledger.submit(command(RevealValue{}, creation->state.key.id));
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->value, value_of(wish));
  EXPECT_EQ(outcome->state.key.version, Version{1});
  EXPECT_THAT(type_names(events_after(disk.memory, creation->position)),
              ElementsAre("KeyValueRevealed"));
}

TEST_F(WriterOfCommands, OfAnAccount_RegistersItOnceAndRenamesItLater) {
  const auto first = ledger.submit(command(PutAccount{Username{"ada@example.com"}}));
  ASSERT_CARRIED_OUT(first);
  EXPECT_TRUE(first->registered);
  const auto again = ledger.submit(command(PutAccount{Username{"ada@example.com"}}));
  ASSERT_CARRIED_OUT(again);
  EXPECT_FALSE(again->registered);
  const auto renamed = ledger.submit(command(PutAccount{Username{"ada@example.org"}}));
  ASSERT_CARRIED_OUT(renamed);
  EXPECT_FALSE(renamed->registered);
  EXPECT_EQ(renamed->state.account.username, Username{"ada@example.org"});
  EXPECT_THAT(type_names(events_after(disk.memory, Position{2})),
              ElementsAre("AccountRegistered", "AccountUsernameChanged"));
}

TEST_F(WriterOfCommands, FromManyThreads_CarriesEachOutExactlyOnceInOneOrder) {
  constexpr std::uint32_t kCommands = 200;
  const KeyId key = created("build");
  const Position before = end_of(disk.memory);
  boost::asio::thread_pool threads(4);
  std::vector<std::future<Answer>> futures;
  for (std::uint32_t i = 0; i < kCommands; ++i) {
    auto wish = rename(key, "name " + std::to_string(i));
    futures.push_back(boost::asio::co_spawn(threads, ledger.writer().submit(std::move(wish)),
                                            boost::asio::use_future));
  }
  std::vector<std::pair<std::uint32_t, std::uint64_t>> answers;
  for (auto& future : futures) {
    const auto outcome = RunningLedger::answer(std::move(future));
    ASSERT_CARRIED_OUT(outcome);
    answers.emplace_back(outcome->state.key.version.value, outcome->position.value);
  }
  threads.join();

  std::ranges::sort(answers);
  for (std::uint32_t i = 0; i < kCommands; ++i) {
    EXPECT_EQ(answers[i], std::make_pair(i + 2, before.value + i + 1));
  }
  const auto events = events_after(disk.memory, before);
  ASSERT_EQ(events.size(), kCommands);
  for (std::uint32_t i = 0; i < kCommands; ++i) EXPECT_EQ(events[i].version, Version{i + 2});
  EXPECT_TRUE(std::ranges::is_sorted(events, std::ranges::less_equal{}, &Event::time));
}

TEST_F(WriterOfCommands, ThatCameDuringAnAppend_AppendsThemTogether) {
  const KeyId key = created();
  const auto batches = ledger.writer().stats().batches.load();
  HeldLog::Hold append(disk.log, HeldLog::Call::append);
  std::vector<std::future<Answer>> futures;
  futures.push_back(ledger.start(rename(key, "first")));
  ASSERT_TRUE(append.wait_until_held());
  for (int i = 0; i < 20; ++i) futures.push_back(ledger.start(rename(key, std::to_string(i))));
  futures.push_back(ledger.start(rename(key, "19")));  // As it is then: no event of its own.
  futures.push_back(ledger.start(command(DeleteKey{}, key)));
  futures.push_back(ledger.start(rename(key, "too late")));
  ledger.settle();
  append.release();

  for (std::uint64_t i = 0; i < 21; ++i) {
    const auto outcome = RunningLedger::answer(std::move(futures[i]));
    ASSERT_CARRIED_OUT(outcome);
    EXPECT_EQ(outcome->position, Position{5 + i});
  }
  const auto no_op = RunningLedger::answer(std::move(futures[21]));
  ASSERT_CARRIED_OUT(no_op);
  EXPECT_EQ(no_op->position, Position{25});
  ASSERT_CARRIED_OUT(RunningLedger::answer(std::move(futures[22])));
  expect_refused(RunningLedger::answer(std::move(futures[23])), Errc::not_found);
  EXPECT_EQ(ledger.writer().stats().batches.load(), batches + 2);
  EXPECT_EQ(ledger.writer().stats().commands.load(), 25u);
}

TEST_F(WriterOfCommands, ThatStops_CarriesOutWhatIsQueuedAndRefusesTheRest) {
  HeldLog::Hold append(disk.log, HeldLog::Call::append);
  std::vector<std::future<Answer>> futures;
  futures.push_back(ledger.start(create(disk.ring)));
  ASSERT_TRUE(append.wait_until_held());
  for (int i = 0; i < 5; ++i) futures.push_back(ledger.start(create(disk.ring)));
  ledger.settle();
  append.release();
  ledger.writer().stop();
  EXPECT_FALSE(ledger.writer().leads());
  for (auto& future : futures) ASSERT_CARRIED_OUT(RunningLedger::answer(std::move(future)));

  const Position end = end_of(disk.memory);
  expect_refused(ledger.submit(create(disk.ring)), Errc::unavailable);
  EXPECT_EQ(end_of(disk.memory), end);
  ledger.writer().stop();
}

}  // namespace
}  // namespace keyledger::commands
