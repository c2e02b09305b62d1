#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace keyledger {

/// The closed list of what can go wrong. A `switch` over it has no `default`.
enum class Errc {
  malformed,             ///< Not in the expected syntax at all (JSON, query, cursor, event bytes).
  invalid,               ///< Well-formed, but a value breaks a rule; `Error::fields` says which.
  unauthenticated,       ///< No credential, or one that does not hold.
  forbidden,             ///< The credential is good, its rights do not reach this far.
  not_found,             ///< There is no such thing for this caller.
  account_unknown,       ///< The account is not registered and this caller may not register it.
  gone,                  ///< It was there, and by policy it is not given out again.
  version_mismatch,      ///< The caller's `If-Match` names another version.
  idempotency_mismatch,  ///< The idempotency key was used for another request.
  not_caught_up,         ///< The read model did not reach the wanted position in time.
  overloaded,            ///< A bounded queue is full. Nothing was written.
  unavailable,           ///< It can't be done now. Nothing was written.
  not_leader,            ///< Another node carries commands out. Nothing was written.
  outcome_unknown,  ///< It may or may not have been written; retry with the same idempotency key.
  damaged,          ///< Stored bytes are not what was written.
  locked,           ///< Another process holds the directory.
  incompatible,     ///< Another log, key ring or format than the one expected.
  io,               ///< The operating system refused a file operation.
  internal,         ///< A promise inside this program was broken.
};

/// One rejected input value.
struct FieldError {
  std::string pointer;  ///< RFC 6901 JSON Pointer into the request body, e.g. "/name".
  std::string detail;   ///< What is wrong with it, for a person.
  bool operator==(const FieldError&) const = default;
};

/// What a caller can act on. `message` says what was wrong, where, and what to do; it never carries
/// a key value, a digest or a pepper.
struct Error {
  Errc code;
  std::string message;
  std::vector<FieldError> fields = {};
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message), {}});
}

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

/// An `invalid` error about one member of the request body.
inline std::unexpected<Error> fail_field(std::string pointer, std::string detail) {
  Error error{Errc::invalid, detail, {}};
  error.fields.push_back({std::move(pointer), std::move(detail)});
  return std::unexpected<Error>(std::move(error));
}

}  // namespace keyledger
