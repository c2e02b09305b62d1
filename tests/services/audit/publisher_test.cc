#include "services/audit/publisher.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projections/rows.h"
#include "projections/store.h"
#include "services/audit/checkpoint_file.h"
#include "tests/services/audit/audited.h"

namespace keyledger::audit {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class Published : public Audited {
 protected:
  void begin() {
    publisher.emplace(*model, projector.gate(), logger,
                      Publisher::Options{std::string(32, 'k'), file});
  }
  Result<void> resume(bool is_behind = false) {
    begin();
    return publisher->resume(is_behind);
  }
  void run() {
    must(resume());
    publisher->start();
  }
  /// The checkpoint that has the leaf `index`, within a deadline that is never reached.
  Publisher::Latest covering(std::uint64_t index) {
    boost::asio::io_context context;
    auto there =
        boost::asio::co_spawn(context, publisher->covering(index, Publisher::Clock::now() + 60s),
                              boost::asio::use_future);
    context.run();
    return must(there.get());
  }

  const std::filesystem::path file = directory / "checkpoint";
  const security::NoteSigner signer{origin_of(kStoryLogId), std::string(32, 'k')};
  logging::Logger logger{logging::Level::error};
  std::optional<Publisher> publisher;
};

TEST_F(Published, ACheckpoint_IsOfAllThatWasApplied_AndWasKeptBefore) {
  append(300);
  catch_up();
  run();
  const auto latest = covering(303);
  EXPECT_EQ(latest->checkpoint, (Checkpoint{origin_of(kStoryLogId), 304, must(tree.root(304))}));
  EXPECT_EQ(must(security::open_note(latest->note, signer.verifier_key())),
            checkpoint_text(latest->checkpoint));
  EXPECT_EQ(must(read_checkpoint_file(file)), latest->note);
}

TEST_F(Published, AFurtherEvent_GetsACheckpointOfItsOwn) {
  catch_up();
  projector.start();
  run();
  EXPECT_EQ(covering(3)->checkpoint.size, 4U);
  append(1);
  EXPECT_EQ(covering(4)->checkpoint.size, 5U);
}

TEST_F(Published, AfterARestart_ItGoesOnFromWhatWasSigned) {
  catch_up();
  run();
  covering(3);
  publisher.reset();
  append(5);
  catch_up();
  run();
  EXPECT_EQ(covering(8)->checkpoint.size, 9U);
}

TEST_F(Published, AnOlderModel_IsRefused_UnlessItIsKnownToBeBehind) {
  append(10);
  catch_up();
  run();
  covering(13);
  publisher.reset();
  const auto other =
      must(projections::open_read_model(directory / "b", {.cache_bytes = 1U << 20U}));
  const auto shorter = changed({}, "", {8});
  projections::Projector follower(*shorter, *other, [](const Error&) {});
  must(follower.catch_up([](const projections::Progress&) {}));
  Publisher second(*other, follower.gate(), logger, {std::string(32, 'k'), file});
  const auto refused = second.resume(/*is_behind=*/false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::damaged);
  EXPECT_THAT(refused.error().message, HasSubstr("the log has 8 events"));
  EXPECT_TRUE(second.resume(/*is_behind=*/true));
}

/// A model that was behind what was signed, and gets there over the events `rest`.
class Owed : public Published {
 protected:
  void sign_all_and_fall_back() {
    append(10);
    catch_up();
    run();
    kept = covering(13)->note;
    publisher.reset();
    shorter = changed({}, "", {8});
    other = must(projections::open_read_model(directory / "b", {.cache_bytes = 1U << 20U}));
    follower.emplace(*shorter, *other, [](const Error&) {});
    follow();
    publisher.emplace(*other, follower->gate(), logger,
                      Publisher::Options{std::string(32, 'k'), file});
    must(publisher->resume(/*is_behind=*/true));
    publisher->start();
  }
  void follow() {
    must(follower->catch_up([](const projections::Progress&) {}));
  }
  void get_there(const std::function<std::string(std::string)>& alter) {
    log::Append rest;
    for (auto& event : must(log.read_after({8}, 100))) rest.events.push_back(alter(event.bytes));
    must(shorter->append(rest));
    follow();
  }

  std::string kept;
  std::unique_ptr<log::MemoryLog> shorter;
  std::unique_ptr<projections::ReadModel> other;
  std::optional<projections::Projector> follower;
};

TEST_F(Owed, ByTheSameEvents_IsPublishedAsItWasSigned) {
  sign_all_and_fall_back();
  EXPECT_EQ(publisher->latest(), nullptr);
  get_there([](std::string event) { return event; });
  EXPECT_EQ(covering(13)->note, kept);
}

TEST_F(Owed, ByOtherEvents_IsKeptAndNothingIsSigned) {
  sign_all_and_fall_back();
  get_there([](std::string event) {
    const auto name = event.find(R"("name":"7")");
    return name == event.npos ? event : event.replace(name, 10, R"("name":"8")");
  });
  const auto deadline = Publisher::Clock::now() + 60s;
  while (!publisher->failure() && Publisher::Clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(publisher->failure());
  EXPECT_THAT(publisher->failure()->message, HasSubstr("history was changed"));
  EXPECT_EQ(publisher->latest(), nullptr);
  EXPECT_EQ(must(read_checkpoint_file(file)), kept);
}

TEST_F(Published, WhatWasSignedWithAnotherKeyOrChanged_IsRefused) {
  catch_up();
  const Checkpoint checkpoint{origin_of(kStoryLogId), 4, must(tree.root(4))};
  const security::NoteSigner other(origin_of(kStoryLogId), std::string(32, 'o'));
  must(write_checkpoint_file(file, other.sign(checkpoint_text(checkpoint))));
  EXPECT_EQ(resume().error().code, Errc::incompatible);
  std::string note = signer.sign(checkpoint_text(checkpoint));
  note.replace(note.find("\n4\n"), 3, "\n3\n");
  must(write_checkpoint_file(file, note));
  EXPECT_THAT(resume().error().message, HasSubstr("does not hold"));
}

TEST_F(Published, ATreeThatIsNotTheOneThatWasSigned_IsSignedNoMore) {
  catch_up();
  Checkpoint checkpoint{origin_of(kStoryLogId), 4, must(tree.root(3))};
  must(write_checkpoint_file(file, signer.sign(checkpoint_text(checkpoint))));
  EXPECT_EQ(resume().error().code, Errc::damaged);

  std::filesystem::remove(file);
  projector.start();
  run();
  const std::string before = covering(3)->note;
  // Somebody changes a stored hash while the node runs.
  auto hashes = must(tree.tile({0, 0}, 4));
  (*hashes)[0] ^= 1;
  must(model->store().write({{projections::Family::tiles, projections::Change::Kind::put,
                              projections::tile_key({0, 0}), *hashes}}));
  append(1);
  const auto deadline = Publisher::Clock::now() + 60s;
  while (!publisher->failure() && Publisher::Clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(publisher->failure());
  EXPECT_THAT(publisher->failure()->message, HasSubstr("history was changed"));
  EXPECT_EQ(publisher->latest()->note, before);
  EXPECT_EQ(must(read_checkpoint_file(file)), before);
}

TEST_F(Published, WhatCannotBeKept_IsNotPublished) {
  catch_up();
  std::filesystem::create_directories(file);
  begin();
  publisher->start();
  const auto deadline = Publisher::Clock::now() + 60s;
  while (!publisher->failure() && Publisher::Clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(publisher->failure());
  EXPECT_EQ(publisher->failure()->code, Errc::io);
  EXPECT_EQ(publisher->latest(), nullptr);
}

}  // namespace
}  // namespace keyledger::audit
