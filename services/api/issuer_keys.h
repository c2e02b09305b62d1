#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/http/client.h"
#include "services/http/router.h"
#include "services/logging/logger.h"
#include "services/security/issued_token.h"

namespace keyledger::api {

/// Checks the tokens of another issuer by its JWK Set, which is read from a file or a URL: at the
/// start, now and then, and when a token names a key that isn't in it. Nobody can have it read
/// more often than a few times a minute. What was read last is used while it can't be read anew,
/// for a day.
///
/// A thread of its own reads. Thread safety: all members but start() and stop(), from any thread.
class IssuerKeys {
 public:
  struct Options {
    security::Issuer issuer;
    std::string source;  ///< "https://issuer.example/jwks", or a file's name.
    std::chrono::milliseconds read_again_after = std::chrono::minutes(5);
    std::chrono::milliseconds good_for = std::chrono::hours(24);  ///< What was read.
    std::chrono::milliseconds read_within = std::chrono::seconds(5);
    /// A reading for an unknown key is allowed so often, and so many may follow each other at once.
    std::chrono::milliseconds one_more_after = std::chrono::seconds(5);
    unsigned at_once = 5;
  };

  /// `logger` is used until the IssuerKeys are gone.
  IssuerKeys(Options options, logging::Logger& logger);
  ~IssuerKeys();
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  /// Reads for the first time. An issuer that doesn't answer is waited for later on. Errors: of a
  /// file that can't be read or is no JWK Set.
  Result<void> start();
  void stop();

  /// Whether `token` claims to be this issuer's.
  bool claims_to_issue(std::string_view token) const;

  /// Errors: unauthenticated; unavailable, while no JWK Set could be read that is new enough.
  Result<security::Principal> check(std::string_view token, Instant now) const;

  /// `handler`, which first waits for the JWK Set to be read again where the request's token names
  /// a key of this issuer that isn't known. It must not outlive this object.
  http::Handler guard(http::Handler handler);

 private:
  using Clock = std::chrono::steady_clock;

  /// What was read once.
  struct Known {
    explicit Known(security::KeySet read) : keys(std::move(read)) {}

    const security::KeySet keys;
    mutable security::ProvenTokens proven;  ///< By these keys.
    const Clock::time_point read_at = Clock::now();
  };

  /// Shared with who checks a token while it is replaced.
  std::shared_ptr<const Known> known() const;
  bool needs_reading(const http::Request& request) const;
  boost::asio::awaitable<http::Response> serve(const http::Request& request,
                                               const http::Handler& handler);
  boost::asio::awaitable<void> wait_for_reading(Clock::time_point deadline);
  /// The number of the reading that is to be waited for; nothing where it may not be read now.
  std::optional<std::uint64_t> ask_for_reading();
  std::uint64_t readings() const;

  void run();
  Result<void> read();
  Result<std::string> read_source();
  Result<std::string> read_file() const;
  Result<std::string> read_url();

  const Options options_;
  logging::Logger& logger_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Known> known_;  ///< This and what follows are guarded by mutex_.
  std::uint64_t readings_ = 0;          ///< That have ended.
  bool is_reading_ = false;
  bool is_wanted_ = false;
  bool is_stopped_ = false;
  double allowance_;  ///< How many readings for unknown keys are allowed at once now.
  Clock::time_point allowance_at_;

  http::Client client_;         ///< This and io_ are the thread's alone.
  boost::asio::io_context io_;  ///< But for stop().
  std::thread thread_;
};

}  // namespace keyledger::api
