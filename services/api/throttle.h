#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/http/router.h"

namespace keyledger::api {

/// Answers 429 (RFC 6585) instead of 401 to who failed to sign in too often, by the end client's
/// address, and by the network of 64 bits with IPv6. A credential that holds is never refused, nor
/// is a request without any, and who can't be told from others isn't counted.
///
/// Its memory is bounded: of more addresses than it has place for, it forgets the one that failed
/// least. Thread safety: all members, from any thread.
class Throttle {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kPlaces = std::size_t{1} << 16U;

  /// `per_minute` failures a minute, and as many at once after a quiet one. Not 0.
  explicit Throttle(unsigned per_minute);

  /// Counts a failure of `address`. After how long it may fail again, where it may not now.
  std::optional<std::chrono::seconds> fail_of(std::string_view address, Clock::time_point now);

  /// `handler`, whose 401s to who gave a credential are counted. Must not outlive this object.
  http::Handler guard(http::Handler handler);

  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  /// The generic cell rate algorithm: when the failures that were counted are spread out as they
  /// may be, this is when the next is due. What is due already says nothing of the past.
  struct Place {
    std::uint64_t address = 0;  ///< Its keyed hash.
    Clock::time_point due{};
  };
  static constexpr std::size_t kPlacesASet = 8;
  static constexpr std::size_t kSets = kPlaces / kPlacesASet;
  static constexpr std::size_t kMutexes = 64;

  std::uint64_t hash_of(std::string_view address) const;
  http::Response judge(const http::Request& request, http::Response response);
  boost::asio::awaitable<http::Response> serve(const http::Request& request,
                                               const http::AsyncHandler& handler);

  const Clock::duration interval_;
  const std::array<char, 32> secret_;  ///< So that nobody can choose whose place he takes.
  std::array<std::mutex, kMutexes> mutexes_;
  std::vector<std::array<Place, kPlacesASet>> sets_;  ///< Each guarded by one of the mutexes.
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace keyledger::api
