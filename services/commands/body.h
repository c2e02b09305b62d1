#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "events/commands.h"
#include "events/result.h"
#include "services/commands/submission.h"
#include "services/http/message.h"

namespace keyledger::commands {

/// A request body that was read: the wish in it, and the reason if one was given.
template <typename W>
struct Body {
  W wish;
  std::optional<Reason> reason;
  nlohmann::json json;  ///< As it came, for the request's hash.
};

// Errors of all: malformed (not JSON), invalid, with a pointer for each member that breaks a rule.
Result<Body<NewKey>> read_new_key(std::string_view text);
Result<Body<ChangeKey>> read_change(std::string_view text);
Result<Body<PutAccount>> read_account(std::string_view text);

/// The version that `If-Match` asks for; none for `*` or where it is absent.
/// Errors: version_mismatch, for a tag that no version has; malformed, for what is no entity tag.
Result<std::optional<Version>> read_if_match(const http::Request& request);

/// The seconds of `Prefer: wait=N` (RFC 7240), if that is there.
std::optional<unsigned> read_prefer_wait(const http::Request& request);

}  // namespace keyledger::commands
