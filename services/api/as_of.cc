#include "services/api/as_of.h"

#include <cstdint>
#include <string_view>

namespace keyledger::api {

Result<AsOf> read_as_of(const http::Query& query, Position applied, Instant now) {
  AsOf as_of;
  const auto text = query.get("as_of");
  if (!text) return as_of;
  if (text->find_first_not_of("0123456789") == std::string_view::npos) {
    const auto number = query.number("as_of", 0, applied.value);
    if (!number) return fail(number.error());
    as_of.position = Position{number->value_or(0)};
    return as_of;
  }
  const auto time = query.instant("as_of");
  if (!time) return fail(time.error());
  if (**time > now) {
    return fail(Errc::malformed, "the query parameter as_of must not be a time that is to come");
  }
  as_of.time = *time;
  return as_of;
}

Result<std::optional<Position>> find_position(const AsOf& as_of,
                                              const projections::ReadModel& model) {
  if (!as_of.time) return as_of.position;
  const auto position = model.position_at(*as_of.time);
  if (!position) return fail(position.error());
  return std::optional(*position);
}

}  // namespace keyledger::api
