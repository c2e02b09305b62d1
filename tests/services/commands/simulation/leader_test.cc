#include "services/commands/leader.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "events/key_value.h"
#include "events/log/codec.h"
#include "services/security/crypto.h"
#include "tests/services/commands/simulation/simulated_node.h"

namespace keyledger::commands::simulation {
namespace {

using namespace std::chrono_literals;

/// Two nodes on one log, which do what a test says, and nothing else.
class LeaderTest : public testing::Test {
 protected:
  using Answer = std::shared_ptr<std::optional<Result<Outcome>>>;

  LeaderTest() {
    first.start();
    second.start();
  }

  /// Goes on until nothing is left to do at once: what was committed is applied.
  static void go_on(SimulatedNode& node) {
    for (int i = 0; i < 50; ++i) {
      node.receive(1'000);
      if (!node.is_due()) return;
      node.step();
    }
    FAIL() << "it does not come to rest";
  }
  void lead(SimulatedNode& node) {
    node.elect(true);
    go_on(node);
    ASSERT_TRUE(node.leads());
  }

  Submission create() {
    Submission submission{};
    submission.account = AccountId{"acme"};
    submission.actor.subject = "user-ada";
    submission.deadline = time.now() + 1h;
    NewKey key{};
    key.name = KeyName{"build"};
    key.value = make_key_value("kl", {});
    key.digest = security::Hmac(ring.pepper())(key.value);
    key.value_hint = value_hint("kl", key.value);
    key.register_as = Username{"ada@example.com"};
    submission.wish = std::move(key);
    return submission;
  }
  Submission rename(const KeyId& key, std::string_view name) {
    Submission submission = create();
    submission.key = key;
    submission.wish = ChangeKey{.name = KeyName{std::string(name)}};
    return submission;
  }

  static Answer ask(SimulatedNode& node, Submission submission) {
    auto answer = std::make_shared<std::optional<Result<Outcome>>>();
    node.submit({std::move(submission), [answer](Result<Outcome> outcome) { *answer = outcome; }});
    return answer;
  }
  KeyId created_key(SimulatedNode& node) {
    const Answer answer = ask(node, create());
    go_on(node);
    return (*answer)->value().state.key.id;
  }
  static Errc code(const Answer& answer) { return (*answer)->error().code; }

  std::vector<std::string_view> types() const {
    std::vector<std::string_view> types;
    for (const auto& committed : cluster.events()) {
      types.push_back(type_name(std::get<Event>(log::decode(committed.event.bytes).value()).fact));
    }
    return types;
  }
  std::size_t count(std::string_view type) const {
    return static_cast<std::size_t>(std::ranges::count(types(), type));
  }

  VirtualTime time;
  Trace trace{time, false};
  Random random{1};
  SimulatedCluster cluster{random, time, trace, {}};
  ModelPool models;
  security::KeyRing ring = security::KeyRing::generate();
  logging::Logger logger{kNoLevel};
  SimulatedNode first{1, {cluster, time, trace, ring, logger}, models.lease(), [] {}};
  SimulatedNode second{2, {cluster, time, trace, ring, logger}, models.lease(), [] {}};
};

TEST_F(LeaderTest, ThatIsElected_CarriesCommandsOut) {
  lead(first);
  const Answer answer = ask(first, create());
  go_on(first);
  ASSERT_TRUE(*answer && **answer);
  EXPECT_EQ((**answer)->position, cluster.end());
}

TEST_F(LeaderTest, WhoseAppendLandedUnknown_AcknowledgesItAndWritesItOnce) {
  lead(first);
  cluster.faults.landed = 1;
  const Answer answer = ask(first, create());
  first.step();
  cluster.faults = {};
  const Position landed = cluster.end();
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
  EXPECT_EQ((**answer)->position, landed);
  EXPECT_EQ(count("KeyCreated"), 1u);
}

TEST_F(LeaderTest, WhoseAppendWasLost_DecidesAgain) {
  lead(first);
  cluster.faults.lost = 1;
  const Answer answer = ask(first, create());
  first.step();
  cluster.faults = {};
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
  EXPECT_EQ(count("KeyCreated"), 1u);
}

TEST_F(LeaderTest, WhoseDoubtAnotherNodeSettles_SaysWhatBecameOfIt) {
  lead(first);
  cluster.faults.landed = 1;
  const Answer landed = ask(first, create());
  first.step();
  cluster.faults = {};
  first.elect(false);
  lead(second);
  go_on(first);
  ASSERT_TRUE(*landed && **landed) << (**landed).error().message;
  EXPECT_EQ((**landed)->position, Position{5});
}

TEST_F(LeaderTest, WhoseClockWasSetFarAhead_BeginsNoTerm) {
  lead(first);
  first.elect(false);
  go_on(first);
  first.clock_ahead = 10h;
  first.elect(true);
  go_on(first);
  EXPECT_FALSE(first.leads());
  EXPECT_EQ(count("WriterElected"), 1u);

  first.clock_ahead = {};
  time.pass(1s);
  go_on(first);
  EXPECT_TRUE(first.leads());
}

TEST_F(LeaderTest, ThatWasReplacedAndDoesNotKnow_RefusesNothingForWhatIsPast) {
  lead(first);
  lead(second);
  const KeyId key = created_key(second);
  const Answer answer = ask(first, rename(key, "deploy"));
  first.step();
  EXPECT_FALSE(*answer) << (**answer).error().message;
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
  EXPECT_EQ((**answer)->state.key.name.value, "deploy");
}

TEST_F(LeaderTest, ThatCanNotAskForTheLogsEnd_RefusesNothingForWhatMayBePast) {
  lead(first);
  cluster.is_away = true;
  const Answer answer = ask(first, rename(KeyId{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8"}, "deploy"));
  first.step();
  ASSERT_TRUE(*answer);
  EXPECT_EQ(code(answer), Errc::unavailable);
}

TEST_F(LeaderTest, BesideOneWhoLeadsToo_TakesOverFourTimesASecondAtMost) {
  first.elect(true);
  second.elect(true);
  const auto until = time.now() + 1s;
  while (time.now() < until) {
    ask(first, create());
    go_on(first);
    ask(second, create());
    go_on(second);
    time.pass(1ms);
  }
  EXPECT_GE(count("WriterElected"), 2u);
  EXPECT_LE(count("WriterElected"), 10u);
}

TEST_F(LeaderTest, ThatWasNeverElected_SaysThatAnotherLeads) {
  go_on(first);
  const Answer answer = ask(first, create());
  ASSERT_TRUE(*answer);
  EXPECT_EQ(code(answer), Errc::not_leader);
}

TEST_F(LeaderTest, WhoseDoubtNobodySettles_SaysSoInTime) {
  lead(first);
  cluster.faults.lost = 1;
  const Answer answer = ask(first, create());
  first.step();
  cluster.is_away = true;
  for (int i = 0; i < 9; ++i) {
    time.pass(1s);
    go_on(first);
    EXPECT_FALSE(*answer);
  }
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer);
  EXPECT_EQ(code(answer), Errc::outcome_unknown);
}

/// A Leader whose read model and gate move apart.
struct TornNode {
  TornNode(SimulatedCluster& cluster, const Trace& trace, ModelPool& models,
           const security::KeyRing& ring, logging::Logger& logger, Clocks clocks)
      : tail(cluster),
        log(3, cluster, tail, trace, [] {}),
        model(models.lease()),
        projector(tail, *model, [](const auto&) {}),
        leader({log, *model, gate, ring, logger, queue}, {.clocks = std::move(clocks)}) {
    log.elect(true);
    while (leader.step().what != Wait::For::commands) {
      apply();
      gate.advance(projector.gate().position());
    }
  }

  void apply() {
    tail.move(1'000);
    ASSERT_TRUE(projector.catch_up([](const auto&) {}));
  }
  void push(Submission submission) {
    Pending pending{std::move(submission), [this](Result<Outcome> outcome) { answer = outcome; }};
    ASSERT_FALSE(queue.push(pending));
  }

  SimulatedTail tail;
  SimulatedLog log;
  ModelPool::Lease model;
  projections::Projector projector;
  projections::PositionGate gate;
  CommandQueue queue{1};
  Leader leader;
  std::optional<Result<Outcome>> answer;
};

TEST_F(LeaderTest, WhoseGateIsBehindItsModel_StillFindsWhatLanded) {
  TornNode node(cluster, trace, models, ring, logger, first.clocks());
  cluster.faults.landed = 1;
  node.push(create());
  node.leader.step();
  cluster.faults = {};

  node.log.elect(false);
  lead(second);
  node.apply();
  node.leader.step();
  node.leader.step();
  ASSERT_TRUE(node.answer && *node.answer) << node.answer->error().message;
}

TEST_F(LeaderTest, WhoseProjectorHalted_NeverSaysThatWhatWasPassedOverSucceeded) {
  TornNode node(cluster, trace, models, ring, logger, first.clocks());
  node.push(create());
  node.leader.step();
  Event event{};
  event.id = nth_unique_id(1);
  event.time = time.wall() + 1s;
  event.command = CommandId{event.id};
  event.fact = EventQuarantined{{4}, {5}, {}, {}, {}};
  ASSERT_TRUE(node.log.append({{log::encode(event, node.model->meta()->log_id).value()}, {}, {}}));

  node.gate.halted();
  node.apply();
  node.gate.advance(node.projector.gate().position());
  node.leader.step();
  ASSERT_TRUE(node.answer && !*node.answer);
  EXPECT_EQ(node.answer->error().code, Errc::outcome_unknown);
}

TEST_F(LeaderTest, WhoseClockWasCorrectedSlowlyWhileItFollowed_IsTrusted) {
  for (int hour = 0; hour < 5; ++hour) {
    time.pass(1h);
    first.clock_ahead += 50s;
    go_on(first);
  }
  lead(first);
  const Answer answer = ask(first, create());
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
}

}  // namespace
}  // namespace keyledger::commands::simulation
