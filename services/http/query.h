#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::http {

/// A request's query, decoded as application/x-www-form-urlencoded: `+` is a space. Reading a
/// parameter never fails for its absence.
class Query {
 public:
  /// Errors: malformed, for what does not percent-decode to UTF-8, a name twice, or a name that is
  /// not in `known` (`min_position` is always known).
  static Result<Query> parse(std::string_view query, std::initializer_list<std::string_view> known);

  std::optional<std::string_view> get(std::string_view name) const;
  /// Errors of these: malformed, naming the parameter and what it takes.
  Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t min,
                                              std::uint64_t max) const;
  Result<std::optional<bool>> boolean(std::string_view name) const;
  Result<std::optional<Instant>> instant(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

/// `text` percent-decoded (`+` stays a plus sign); nothing if it is malformed or not UTF-8.
std::optional<std::string> percent_decode(std::string_view text);

/// `text` with everything but unreserved characters (RFC 3986 §2.3) percent-encoded.
std::string percent_encode(std::string_view text);

}  // namespace keyledger::http
