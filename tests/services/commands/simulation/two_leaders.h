#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "events/key_value.h"
#include "events/log/codec.h"
#include "services/commands/leader.h"
#include "services/security/crypto.h"
#include "tests/services/commands/simulation/simulated_node.h"

namespace keyledger::commands::simulation {

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
  /// Appends that `first` to `last` are to be passed over: the `number`-th command of such.
  void quarantine(unsigned number, Position first, Position last, Instant at) {
    Event event{};
    event.id = nth_unique_id(number);
    event.time = at;
    event.command = CommandId{event.id};
    event.fact = EventQuarantined{first, last, {}, {}, {}};
    ASSERT_TRUE(log.append({{log::encode(event, model->meta()->log_id).value()}, {}, {}}));
  }
  void push(Submission submission) {
    Pending pending{std::move(submission),
                    [this](Result<Outcome> outcome) { answers.push_back(std::move(outcome)); }};
    ASSERT_FALSE(queue.push(pending));
  }

  SimulatedTail tail;
  SimulatedLog log;
  ModelPool::Lease model;
  projections::Projector projector;
  projections::PositionGate gate;
  CommandQueue queue{1};
  Leader leader;
  std::vector<Result<Outcome>> answers;
};

}  // namespace keyledger::commands::simulation
