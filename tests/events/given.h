#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "events/commands.h"
#include "events/state.h"

namespace keyledger {

// The words in which the domain tests are told: given facts, when a command, then facts.

inline constexpr Instant kNoon =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::hours{12};
inline constexpr Instant kYesterday = kNoon - std::chrono::days{1};
inline constexpr Instant kTomorrow = kNoon + std::chrono::days{1};

inline const std::string kKey = "key_06DZ3K5V9QKZ3YF8S1W2X4T6B8";

inline Digest digest_of(unsigned char fill) {
  Digest digest;
  digest.fill(std::byte{fill});
  return digest;
}

inline AccountRegistered registered() { return {Username{"ada@example.com"}}; }

inline KeyCreated created() {
  return {KeyId{kKey},  KeyName{"build"}, std::nullopt, true,
          std::nullopt, digest_of(1),     "kl_…a1B2"};
}

inline CreateKey create_key() {
  return {KeyId{kKey},  KeyName{"build"}, std::nullopt, true,
          std::nullopt, digest_of(1),     "kl_…a1B2",   std::nullopt};
}

/// The state after `history`, all of which happened yesterday.
inline State given(const std::vector<Fact>& history) {
  State state;
  for (const Fact& fact : history) state = evolve(std::move(state), fact, kYesterday);
  return state;
}

/// Expects that `command`, asked at noon, adds exactly `facts`.
inline void expect_facts(const State& state, const Command& command,
                         const std::vector<Fact>& facts) {
  const auto decision = decide(state, command, kNoon);
  ASSERT_TRUE(decision) << decision.error().message;
  EXPECT_EQ(*decision, facts);
}

/// Expects that `command`, asked at noon, is refused, and returns why.
inline Error expect_refused(const State& state, const Command& command, Errc code) {
  const auto decision = decide(state, command, kNoon);
  if (decision) {
    ADD_FAILURE() << "was accepted with " << decision->size() << " facts";
    return {Errc::internal, ""};
  }
  EXPECT_EQ(decision.error().code, code) << decision.error().message;
  return decision.error();
}

}  // namespace keyledger
