#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/read_model.h"
#include "services/security/crypto.h"

namespace keyledger::verify {

/// What a key value is good for. In the order in which they are judged: the first that holds.
enum class Code { malformed, not_found, username_mismatch, disabled, expired, valid };

inline constexpr std::size_t kCodes = 6;

/// The contract's name: "USERNAME_MISMATCH".
std::string_view code_name(Code code);

struct Verdict {
  Code code = Code::malformed;
  projections::Grant grant;  ///< Meaningful with disabled, expired and valid.
};

/// Judges key values against the read model: a checksum that refuses garbage, one digest, one point
/// look-up. Writes nothing and shares no lock with the projector.
///
/// Thread safety: all members, from any thread. May run on an I/O thread.
class Verifier {
 public:
  /// `model` is used until the Verifier is gone. `fresh` tells whether the model may still be
  /// trusted; it is asked for each judgement, after the key's row was read, and must not block.
  Verifier(const projections::ReadModel& model, std::string_view pepper, std::string key_prefix,
           std::function<bool()> fresh);

  /// Whether `value` is good at `now`, for `username` if one is given.
  /// Errors: unavailable (the model is stale: validation fails closed), io, damaged.
  Result<Verdict> judge(std::string_view value, std::optional<std::string_view> username,
                        Instant now) const;

  /// Whether `value` was good right after the event at `position`, at `then`, for `username` if one
  /// is given. Keys of other accounts than `account`, if one is given, are not found. Reads the
  /// history: not on an I/O thread. Counts nothing. Errors: io, damaged.
  Result<Verdict> judge_at(std::string_view value, std::optional<std::string_view> username,
                           Position position, Instant then,
                           const std::optional<AccountId>& account) const;

  /// How often each code was given, for metrics.
  std::uint64_t count(Code code) const {
    return counts_[static_cast<std::size_t>(code)].load(std::memory_order_relaxed);
  }

 private:
  static Code judge_grant(const projections::Grant& grant, std::optional<std::string_view> username,
                          Instant now);

  const projections::ReadModel& model_;
  const security::Hmac pepper_;
  const std::string key_prefix_;
  const std::function<bool()> fresh_;
  mutable std::array<std::atomic<std::uint64_t>, kCodes> counts_{};
};

}  // namespace keyledger::verify
