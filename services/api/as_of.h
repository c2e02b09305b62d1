#pragma once

#include <optional>

#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/read_model.h"
#include "services/http/query.h"

namespace keyledger::api {

/// The moment that an answer is asked "as of", if the query names one.
struct AsOf {
  std::optional<Position> position;
  std::optional<Instant> time;

  bool is_named() const { return position || time; }
};

/// Reads `as_of`: a position, or a time (RFC 3339). `applied` is how far the model is.
/// Errors: malformed, for what is neither, and for what is still to come.
Result<AsOf> read_as_of(const http::Query& query, Position applied, Instant now);

/// The position whose state is asked for; nothing where the present is. Reads the history.
Result<std::optional<Position>> find_position(const AsOf& as_of,
                                              const projections::ReadModel& model);

}  // namespace keyledger::api
