#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "events/result.h"
#include "services/http/message.h"

namespace keyledger::http {

/// How many members that break a rule are told of at most.
inline constexpr std::size_t kMaxFieldErrors = 100;

inline constexpr std::size_t kMaxJsonDepth = 32;

/// Reads `text` as strict JSON: UTF-8, no duplicate members, at most 32 levels deep, nothing after
/// the value. Errors: malformed.
Result<nlohmann::json> parse_json(std::string_view text);

/// `name` as a part of a JSON Pointer (RFC 6901 §3).
std::string pointer_token(std::string_view name);

/// Whether the request's Content-Type is `application/json`, or one of `also` (parameters are
/// ignored but `charset`, which must be UTF-8).
bool has_json_content_type(const Request& request, std::string_view also = {});

/// Whether `Accept` allows `media_type` (RFC 9110 §12.5.1, q=0 respected; an absent header allows
/// all).
bool accepts(const Request& request, std::string_view media_type);

}  // namespace keyledger::http
