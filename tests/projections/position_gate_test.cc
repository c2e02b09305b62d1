#include "projections/position_gate.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

steady_clock::time_point far() { return steady_clock::now() + std::chrono::seconds{60}; }

/// Coroutines that wait at a gate, which only go on while run() or poll() is being called.
class CoroutinesAtTheGate : public testing::Test {
 protected:
  std::future<Result<void>> start(Position target, steady_clock::time_point deadline = far()) {
    auto answer = asio::co_spawn(io, gate.reached(target, deadline), asio::use_future);
    poll();
    return answer;
  }
  static bool is_ready(const std::future<Result<void>>& answer) {
    return answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }

  /// What it was told; it must have gone on.
  static Result<void> told(std::future<Result<void>>& answer) {
    return is_ready(answer) ? answer.get() : fail(Errc::internal, "it still waits");
  }
  void poll() {
    io.restart();
    io.poll();
  }
  void run() {
    io.restart();
    io.run();
  }

  PositionGate gate;
  asio::io_context io;
};

TEST_F(CoroutinesAtTheGate, OfAPositionThatIsReachedAlready_GoOn) {
  gate.advance(Position{5});
  auto answer = start(Position{5});
  EXPECT_TRUE(told(answer));
}

TEST_F(CoroutinesAtTheGate, WaitForTheirPositionAndNotForThoseBefore) {
  auto fifth = start(Position{5});
  auto sixth = start(Position{6});
  gate.advance(Position{4});
  poll();
  EXPECT_FALSE(is_ready(fifth));
  gate.advance(Position{5});
  poll();
  EXPECT_TRUE(told(fifth));
  EXPECT_FALSE(is_ready(sixth));
  gate.advance(Position{100});
  run();
  EXPECT_TRUE(told(sixth));
}

TEST_F(CoroutinesAtTheGate, ResumeOnTheirOwnExecutorAndNeverWithinAdvance) {
  auto answer = start(Position{1});
  gate.advance(Position{1});
  EXPECT_FALSE(is_ready(answer));
  run();
  EXPECT_TRUE(told(answer));
}

TEST_F(CoroutinesAtTheGate, AfterTheirDeadline_AreNotCaughtUp) {
  gate.advance(Position{3});
  auto answer = start(Position{5}, steady_clock::now());
  run();
  expect_error(told(answer), Errc::not_caught_up, "at position 3 and did not reach 5");
  gate.advance(Position{5});
}

TEST_F(CoroutinesAtTheGate, WhenItCloses_AreUnavailable) {
  auto one = start(Position{1});
  auto other = start(Position{2});
  gate.close();
  run();
  expect_error(told(one), Errc::unavailable);
  expect_error(told(other), Errc::unavailable);
}

TEST_F(CoroutinesAtTheGate, ThatCameAfterItClosed_AreUnavailableUnlessTheirPositionWasReached) {
  gate.advance(Position{1});
  gate.close();
  auto reached = start(Position{1});
  auto other = start(Position{2});
  run();
  EXPECT_TRUE(told(reached));
  expect_error(told(other), Errc::unavailable);
}

TEST_F(CoroutinesAtTheGate, ThatAreCancelled_ThrowAndLetTheOthersWait) {
  asio::cancellation_signal signal;
  std::exception_ptr thrown;
  asio::co_spawn(
      io, gate.reached(Position{1}, far()),
      asio::bind_cancellation_slot(signal.slot(), [&](const std::exception_ptr& error,
                                                      const Result<void>&) { thrown = error; }));
  auto other = start(Position{1});
  signal.emit(asio::cancellation_type::total);
  poll();
  EXPECT_FALSE(thrown) << "a coroutine is spawned with terminal cancellation alone";
  signal.emit(asio::cancellation_type::terminal);
  poll();
  ASSERT_TRUE(thrown);
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    EXPECT_EQ(error.code(), asio::error::operation_aborted);
  }
  EXPECT_FALSE(is_ready(other));
  gate.advance(Position{1});
  run();
  EXPECT_TRUE(told(other));
}

TEST_F(CoroutinesAtTheGate, ThatAreCancelledAfterTheyWentOn_AreNotDisturbed) {
  asio::cancellation_signal signal;
  std::optional<Result<void>> answer;
  asio::co_spawn(io, gate.reached(Position{1}, far()),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&](const std::exception_ptr& error, Result<void> result) {
                       if (!error) answer = std::move(result);
                     }));
  poll();
  gate.advance(Position{1});
  run();
  signal.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(*answer);
}

TEST(PositionGate, NeverGoesBack) {
  PositionGate gate;
  gate.advance(Position{5});
  gate.advance(Position{3});
  EXPECT_EQ(gate.position(), Position{5});
}

TEST(PositionGate, WithAListener_CallsItAfterEachMoveAndAtTheEnd) {
  PositionGate gate;
  std::vector<std::uint64_t> heard;
  gate.listen([&] { heard.push_back(gate.is_closed() ? 0 : gate.position().value); });
  gate.advance(Position{1});
  gate.advance(Position{3});
  gate.advance(Position{2});
  gate.close();
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{1, 3, 0}));

  gate.listen({});
  gate.advance(Position{4});
  EXPECT_EQ(heard.size(), 3u);
}

TEST(PositionGate, ForAThread_WaitsUntilThePositionIsReached) {
  PositionGate gate;
  auto answer = std::async(std::launch::async, [&] { return gate.wait_for(Position{2}, far()); });
  gate.advance(Position{1});
  gate.advance(Position{2});
  EXPECT_TRUE(answer.get());
}

TEST(PositionGate, ForAThreadWhoseDeadlinePasses_IsNotCaughtUp) {
  PositionGate gate;
  expect_error(gate.wait_for(Position{1}, steady_clock::now()), Errc::not_caught_up);
}

TEST(PositionGate, ForAThreadWhenItCloses_IsUnavailable) {
  PositionGate gate;
  auto answer = std::async(std::launch::async, [&] { return gate.wait_for(Position{2}, far()); });
  gate.close();
  expect_error(answer.get(), Errc::unavailable);
  expect_error(gate.wait_for(Position{2}, far()), Errc::unavailable);
}

TEST(PositionGate, WithManyWaitersOnManyThreads_AnswersEachOnceAndNoneTooEarly) {
  constexpr std::uint64_t kEnd = 500;
  PositionGate gate;
  asio::thread_pool threads{2};
  std::atomic<int> answered{0};
  const auto wait = [&](Position target, steady_clock::time_point deadline) {
    asio::co_spawn(threads, gate.reached(target, deadline),
                   [&, target](const std::exception_ptr& error, const Result<void>& result) {
                     const bool is_true = result ? gate.position() >= target
                                                 : result.error().code == Errc::not_caught_up;
                     EXPECT_TRUE(!error && is_true);
                     ++answered;
                   });
  };
  std::thread projector([&] {
    for (std::uint64_t at = 1; at <= kEnd; ++at) gate.advance(Position{at});
  });
  std::thread blocked([&] {
    for (std::uint64_t at = 1; at <= kEnd; ++at) {
      EXPECT_TRUE(gate.wait_for(Position{at}, far()));
      EXPECT_GE(gate.position(), Position{at});
    }
  });
  for (std::uint64_t at = 1; at <= kEnd; ++at) {
    wait(Position{at}, far());
    // One whose deadline comes about when it is reached.
    wait(Position{at}, steady_clock::now() + std::chrono::microseconds{at % 50});
  }
  projector.join();
  blocked.join();
  threads.join();
  EXPECT_EQ(answered, 2 * static_cast<int>(kEnd));
}

}  // namespace
}  // namespace keyledger::projections
