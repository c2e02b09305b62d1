#pragma once

#include <string>
#include <string_view>

#include "events/vocabulary.h"

namespace keyledger::feed {

// The parts of an event stream (WHATWG HTML, "Server-sent events"). Each appends to `out` and ends
// with the empty line that makes the client take it in.

/// How soon a client that lost the stream asks again; and that all up to `position` was sent.
void append_opening(std::string& out, Position position);

/// One event of the log: its position as the id, its stored bytes as the data. Where they had line
/// ends, which no stored event has, the client puts LF for each.
void append_event(std::string& out, Position position, std::string_view bytes);

/// Keeps proxies from ending a silent stream, and says that all up to `position` was sent, so that
/// who resumes needn't have it searched again. A client is not told of an event.
void append_heartbeat(std::string& out, Position position);

/// Why a feed ends. Both are ASCII without quotes.
struct End {
  std::string_view reason;  ///< For people.
  std::string_view code;    ///< For programs: it stays as it is.
};

/// The last part: an event of the type `end` with {"reason": "…", "code": "…"}.
void append_end(std::string& out, const End& end);

}  // namespace keyledger::feed
