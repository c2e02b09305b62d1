#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "events/key_value.h"
#include "events/log/codec.h"
#include "events/log/event_log.h"
#include "projections/projector.h"
#include "projections/read_model.h"
#include "services/commands/writer.h"
#include "services/logging/logger.h"
#include "services/security/crypto.h"
#include "services/security/key_ring.h"
#include "tests/services/commands/held_log.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::commands {

using Answer = Result<Outcome>;

/// What stays when the process ends, beside a log that is no MemoryLog.
struct Disk {
  TemporaryDirectory directory;
  log::MemoryLog memory;
  HeldLog log{memory};
  security::KeyRing ring = security::KeyRing::generate();
};

/// The writing half of a node, from its start to its end: a real read model and projector over a
/// log, a writer that leads, and a thread that its answers come to.
class RunningLedger {
 public:
  explicit RunningLedger(Disk& disk, Writer::Options options = {})
      : RunningLedger(disk.log, disk.ring, disk.directory / "read-model", std::move(options)) {}

  RunningLedger(log::EventLog& log, const security::KeyRing& ring,
                const std::filesystem::path& model_directory, Writer::Options options = {})
      : model_(opened(model_directory)),
        projector_(log, *model_, [this](const Error&) { projector_.gate().close(); }),
        writer_(log, *model_, projector_.gate(), ring, logger_, std::move(options)) {
    if (auto caught_up = projector_.catch_up([](const auto&) {}); !caught_up) {
      throw std::runtime_error(caught_up.error().message);
    }
    projector_.start();
    led_ = writer_.lead("http://192.0.2.1:8080");
    thread_ = std::thread([this] { io_.run(); });
  }
  ~RunningLedger() {
    writer_.stop();
    work_.reset();
    thread_.join();
    projector_.stop();
  }
  RunningLedger(const RunningLedger&) = delete;
  RunningLedger& operator=(const RunningLedger&) = delete;

  Writer& writer() { return writer_; }
  projections::Projector& projector() { return projector_; }
  const projections::ReadModel& model() const { return *model_; }
  /// What lead() said.
  const Result<void>& led() const { return led_; }

  std::future<Answer> start(Submission submission) {
    return boost::asio::co_spawn(io_, writer_.submit(std::move(submission)),
                                 boost::asio::use_future);
  }

  /// Returns when the submissions that were started before this are queued or refused.
  void settle() {
    // A coroutine that is spawned takes a step or two through its executor to begin.
    for (int step = 0; step < 3; ++step) {
      boost::asio::post(io_, std::packaged_task<void()>([] {})).get();
    }
  }

  Answer submit(Submission submission) { return answer(start(std::move(submission))); }

  /// The answer, which must come.
  static Answer answer(std::future<Answer> future) {
    if (future.wait_for(std::chrono::seconds{60}) != std::future_status::ready) {
      return fail(Errc::internal, "there was no answer");
    }
    return future.get();
  }

 private:
  static std::unique_ptr<projections::ReadModel> opened(const std::filesystem::path& directory) {
    auto model = projections::open_read_model(directory);
    if (!model) throw std::runtime_error(model.error().message);
    return std::move(*model);
  }

  std::unique_ptr<projections::ReadModel> model_;
  projections::Projector projector_;
  logging::Logger logger_{logging::Level::error};
  Writer writer_;
  Result<void> led_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::thread thread_;
};

// Commands of one person in the account acme.

inline Submission command(Wish wish, std::optional<KeyId> key = std::nullopt) {
  Submission submission{};
  submission.account = AccountId{"acme"};
  submission.key = std::move(key);
  submission.wish = std::move(wish);
  submission.actor = {"user-ada", "ada@example.com", "192.0.2.7", "curl/8.0", "request-1"};
  submission.deadline = std::chrono::steady_clock::now() + std::chrono::hours{1};
  return submission;
}

/// A key of a fresh value; registers the account where need be.
inline Submission create(const security::KeyRing& ring, std::string_view name = "build") {
  KeyEntropy entropy;
  security::random_bytes(entropy);
  NewKey key{};
  key.name = KeyName{std::string(name)};
  key.value = make_key_value("kl", entropy);
  key.digest = security::Hmac(ring.pepper())(key.value);
  key.value_hint = value_hint("kl", key.value);
  key.register_as = Username{"ada@example.com"};
  return command(std::move(key));
}

inline Submission rename(const KeyId& key, std::string_view name) {
  return command(ChangeKey{.name = KeyName{std::string(name)}}, key);
}

inline Submission disable(const KeyId& key) { return command(ChangeKey{.enabled = false}, key); }

/// `submission` sent with an Idempotency-Key, and a body that `request` stands for.
inline Submission with_key(Submission submission, std::string_view idempotency_key,
                           std::string_view request = "the request") {
  submission.idempotency = Idempotency{security::to_hex(security::sha256(idempotency_key)),
                                       security::to_hex(security::sha256(request))};
  return submission;
}

inline const std::string& value_of(const Submission& creation) {
  return std::get<NewKey>(creation.wish).value;
}

inline Position end_of(const log::LogReader& log) { return log.end().value(); }

/// What lies in `log` after `position`; every event of a type that this program knows.
inline std::vector<Event> events_after(const log::LogReader& log, Position position = {}) {
  std::vector<Event> events;
  for (const auto& stored : log.read_after(position, 100'000).value()) {
    auto decoded = log::decode(stored.bytes).value();
    events.push_back(std::get<Event>(std::move(decoded)));
  }
  return events;
}

inline std::vector<std::string_view> type_names(const std::vector<Event>& events) {
  std::vector<std::string_view> names;
  for (const Event& event : events) names.push_back(type_name(event.fact));
  return names;
}

/// Now, as events count time.
inline Instant now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

inline testing::AssertionResult is_carried_out(const Answer& answer) {
  if (answer) return testing::AssertionSuccess();
  return testing::AssertionFailure() << answer.error().message;
}
#define ASSERT_CARRIED_OUT(answer) ASSERT_TRUE(is_carried_out(answer))

inline void expect_refused(const Answer& answer, Errc code) {
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, code) << answer.error().message;
}

}  // namespace keyledger::commands
