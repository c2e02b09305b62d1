#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "events/log/embedded/embedded_log.h"
#include "projections/projector.h"
#include "tests/projections/folded.h"
#include "tests/support/memory_log.h"

namespace keyledger::projections {
namespace {

std::chrono::steady_clock::time_point deadline() {
  return std::chrono::steady_clock::now() + std::chrono::seconds{60};
}

/// A projector that follows a log, from a process's start to its end.
class Following {
 public:
  Following(log::EventLog& log, const std::filesystem::path& directory)
      : model_(opened(directory)),
        projector_(
            log, *model_,
            [this](const Error& error) {
              if (halts_++ == 0) why_.set_value(error);
            },
            [this] { resumed_.set_value(); }) {
    static_cast<void>(projector_.catch_up([](const Progress&) {}));
    projector_.start();
  }

  Projector& projector() { return projector_; }
  const ReadModel& model() const { return *model_; }
  Result<void> reach(Position position) { return projector_.gate().wait_for(position, deadline()); }
  /// Waits until it has halted, and says why.
  Error why() {
    auto why = why_.get_future();
    if (why.wait_until(deadline()) != std::future_status::ready) {
      throw std::runtime_error("it has not halted");
    }
    return why.get();
  }
  int halts() const { return halts_; }
  /// Waits until it goes on after it had halted.
  void resume() {
    if (resumed_.get_future().wait_until(deadline()) != std::future_status::ready) {
      throw std::runtime_error("it has not gone on");
    }
  }

 private:
  std::unique_ptr<ReadModel> model_;
  std::atomic<int> halts_{0};
  std::promise<Error> why_;
  std::promise<void> resumed_;
  Projector projector_;
};

class FollowingALog : public testing::Test {
 protected:
  FollowingALog() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(key)});
  }

  const KeyId key = nth_key_id(1);
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
};

TEST_F(FollowingALog, AppliesWhatIsAppended) {
  Following following(log, directory / "read-model");
  const Position end = append_events(log, {story.about(key, KeyDisabled{})});
  must(following.reach(end));
  EXPECT_FALSE(must(following.model().key(AccountId{"acme"}, key)).enabled);
  EXPECT_EQ(following.projector().stats().applied_events, 5U);
}

TEST_F(FollowingALog, ThatCannotBeReached_NeitherHaltsNorResumesWhoHadHalted) {
  Following following(log, directory / "read-model");
  log.damage(Position{5});
  append_events(log, {story.about(key, KeyDisabled{})});
  EXPECT_EQ(following.why().code, Errc::damaged);
  log.cut_off();
  const auto until = deadline();  // It looks once a second, at two places.
  while (log.refused_reads() < 3 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  ASSERT_GE(log.refused_reads(), 3U);
  EXPECT_TRUE(following.projector().halted());
  EXPECT_EQ(following.halts(), 1);
}

TEST_F(FollowingALog, HasAppliedAPositionWhoeverWaitedForItGoesOn) {
  Following following(log, directory / "read-model");
  for (std::uint32_t version = 2; version < 200; ++version) {
    const auto name = "name " + std::to_string(version);
    must(following.reach(append_events(log, {story.about(key, KeyRenamed{{name}})})));
    const auto read = must(following.model().key(AccountId{"acme"}, key));
    ASSERT_EQ(read.version, Version{version});
    ASSERT_EQ(read.name.value, name);
  }
}

TEST_F(FollowingALog, GoesOnWhereAnotherProcessStopped) {
  std::string checksum;
  {
    Following following(log, directory / "read-model");
    must(following.reach(append_events(log, {story.about(key, KeyDisabled{})})));
    following.projector().stop();
    append_events(log, {story.about(key, KeyEnabled{})});
  }
  Following following(log, directory / "read-model");
  must(following.reach(append_events(log, {story.about(key, KeyRenamed{{"new"}})})));
  EXPECT_EQ(must(following.model().key(AccountId{"acme"}, key)).version, Version{4});
}

TEST_F(FollowingALog, ThatCannotBeApplied_HaltsOnceAndSaysWhy) {
  Following following(log, directory / "read-model");
  EXPECT_FALSE(following.projector().halted());
  Event bad = story.about(key, KeyDisabled{});
  bad.version = Version{7};
  append_events(log, {story.account_username_changed("bob@example.com"), bad});
  const Error why = following.why();
  EXPECT_EQ(why.code, Errc::damaged);
  EXPECT_EQ(why.message.substr(0, 12), "position 6: ");

  append_events(log, {story.account_username_changed("eve@example.com")});
  ASSERT_TRUE(following.projector().halted());
  EXPECT_EQ(following.projector().halted()->why.message, why.message);
  expect_error(following.projector().gate().wait_for(Position{6}, std::chrono::steady_clock::now()),
               Errc::not_caught_up);
  following.projector().stop();
  EXPECT_EQ(following.halts(), 1);
  EXPECT_EQ(must(following.model().meta()).position, Position{5});
  EXPECT_EQ(must(following.model().account(AccountId{"acme"})).username.value, "bob@example.com");
}

TEST_F(FollowingALog, ThatCannotBeApplied_GoesOnWhenThatIsQuarantined) {
  Following following(log, directory / "read-model");
  Event bad = story.about(key, KeyRenamed{{"bad"}});
  bad.version = Version{7};
  append_events(log, {bad, story.account_username_changed("bob@example.com")});
  EXPECT_EQ(following.why().message.substr(0, 12), "position 5: ");
  EXPECT_EQ(following.projector().halted()->event, Position{5});
  EXPECT_EQ(following.projector().gate().halts(), 1U);
  const Position end =
      append_events(log, {story.event_quarantined({{5}, {5}, AccountId{"acme"}, key, {7}})});
  following.resume();
  EXPECT_FALSE(following.projector().halted());
  must(following.reach(end));
  const auto state = must(following.model().key(AccountId{"acme"}, key));
  EXPECT_EQ(state.name.value, "build");
  EXPECT_FALSE(state.enabled);
  EXPECT_EQ(state.version, Version{7});
  must(following.reach(append_events(log, {story.about(key, KeyEnabled{})})));
  EXPECT_TRUE(must(following.model().key(AccountId{"acme"}, key)).enabled);
}

TEST_F(FollowingALog, ThatCouldNotBeAppliedAtTheStart_GoesOnWhenThatIsQuarantined) {
  must(log.append({.events = {"garbage", "more"}, .envelopes = {}, .erased = {}}));
  Following following(log, directory / "read-model");
  EXPECT_EQ(following.projector().halted()->event, Position{5});
  append_events(log, {story.event_quarantined({{5}, {5}, {}, {}, {}})});
  must(following.reach(Position{5}));
  const Position end = append_events(log, {story.event_quarantined({{6}, {6}, {}, {}, {}})});
  must(following.reach(end));
  following.resume();
  EXPECT_EQ(following.halts(), 2);
  EXPECT_FALSE(following.projector().halted());
}

TEST_F(FollowingALog, ThatCannotBeRead_Halts) {
  Following following(log, directory / "read-model");
  log.damage(Position{5});
  append_events(log, {story.about(key, KeyDisabled{})});
  EXPECT_EQ(following.why().code, Errc::damaged);
}

TEST_F(FollowingALog, WithARunWithoutItsEnd_Halts) {
  Following following(log, directory / "read-model");
  append_events(log, {story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}})[0]});
  EXPECT_EQ(following.why().code, Errc::damaged);
  EXPECT_EQ(must(following.model().key(AccountId{"acme"}, key)).name.value, "build");
}

TEST_F(FollowingALog, UntilItIsStopped_EndsTheWaits) {
  Following following(log, directory / "read-model");
  auto waiting = std::async(std::launch::async, [&] { return following.reach(Position{5}); });
  following.projector().stop();
  expect_error(waiting.get(), Errc::unavailable);
  append_events(log, {story.about(key, KeyDisabled{})});
  EXPECT_EQ(must(following.model().meta()).position, Position{4});
  following.projector().stop();
}

TEST_F(FollowingALog, ThatWasNeverFollowed_IsStoppedToo) {
  const auto model = opened(directory / "read-model");
  Projector projector(log, *model, [](const Error&) {});
  projector.stop();
  expect_error(projector.gate().wait_for(Position{1}, deadline()), Errc::unavailable);
}

TEST_F(FollowingALog, OnDisk_MakesTheModelThatTheMemoryLogMakes) {
  const auto on_disk = must(log::open_embedded_log(directory / "log"));
  std::vector<std::string> events;
  for (const auto& stored : must(log.read_after({}, 100))) events.push_back(stored.bytes);
  must(on_disk->append({.events = events, .envelopes = {}, .erased = {}}));
  Following one(log, directory / "one");
  Following other(*on_disk, directory / "other");
  for (int i = 0; i < 20; ++i) {
    const auto run = story.command_about(key, {KeyRenamed{{std::to_string(i)}}, KeyDescribed{}});
    must(one.reach(append_events(log, run)));
    must(other.reach(append_events(*on_disk, run)));
  }
  EXPECT_EQ(must(one.model().checksum()).hex, must(other.model().checksum()).hex);
}

}  // namespace
}  // namespace keyledger::projections
