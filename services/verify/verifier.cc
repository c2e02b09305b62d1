#include "services/verify/verifier.h"

#include <utility>

#include "events/key_value.h"

namespace keyledger::verify {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::malformed:
      return "MALFORMED";
    case Code::not_found:
      return "NOT_FOUND";
    case Code::username_mismatch:
      return "USERNAME_MISMATCH";
    case Code::disabled:
      return "DISABLED";
    case Code::expired:
      return "EXPIRED";
    case Code::valid:
      return "VALID";
  }
  std::unreachable();
}

Verifier::Verifier(const projections::ReadModel& model, std::string_view pepper,
                   std::string key_prefix, std::function<bool()> fresh)
    : model_(model),
      pepper_(pepper),
      key_prefix_(std::move(key_prefix)),
      fresh_(std::move(fresh)) {}

Result<Verdict> Verifier::judge(std::string_view value, std::optional<std::string_view> username,
                                Instant now) const {
  Verdict verdict;
  if (has_valid_checksum(key_prefix_, value)) {
    auto grant = model_.grant(pepper_(value));
    // Not before: were this process suspended in between, the row would be older than it may be.
    if (!fresh_()) {
      return fail(Errc::unavailable, "the read model is stale, so no key can be judged");
    }
    if (!grant) return fail(std::move(grant.error()));
    verdict.code = Code::not_found;
    if (*grant) {
      verdict.code = judge_grant(**grant, username, now);
      verdict.grant = std::move(**grant);
    }
  }
  counts_[static_cast<std::size_t>(verdict.code)].fetch_add(1, std::memory_order_relaxed);
  return verdict;
}

Result<Verdict> Verifier::judge_at(std::string_view value, std::optional<std::string_view> username,
                                   Position position, Instant then,
                                   const std::optional<AccountId>& account) const {
  Verdict verdict;
  if (!has_valid_checksum(key_prefix_, value)) return verdict;
  auto grant = model_.grant_at(pepper_(value), position);
  if (!grant) return fail(std::move(grant.error()));
  verdict.code = Code::not_found;
  if (!*grant || (account && (*grant)->account != *account)) return verdict;
  verdict.code = judge_grant(**grant, username, then);
  verdict.grant = std::move(**grant);
  return verdict;
}

Code Verifier::judge_grant(const projections::Grant& grant,
                           std::optional<std::string_view> username, Instant now) {
  if (username && !same_username(*username, grant.username.value)) return Code::username_mismatch;
  if (!grant.enabled) return Code::disabled;
  if (grant.expires_at && *grant.expires_at <= now) return Code::expired;
  return Code::valid;
}

}  // namespace keyledger::verify
