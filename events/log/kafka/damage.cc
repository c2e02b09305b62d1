#include "events/log/kafka/damage.h"

#include <limits>

namespace keyledger::log::kafka {
namespace {

Error damaged(std::string text) { return {Errc::damaged, "kafka: " + std::move(text), {}}; }

std::string position_text(std::int64_t offset) { return std::to_string(to_position(offset).value); }

}  // namespace

Error judge(const Trouble& trouble, const std::string& topic, std::int64_t next,
            const Result<Bounds>& bounds) {
  if (trouble.kind == Trouble::Kind::bad_checksum) {
    return damaged("the log is damaged from position " + position_text(next) + " on (topic " +
                   topic + ": " + trouble.text + "): restore the topic from another replica");
  }
  if (!bounds) {
    if (bounds.error().code != Errc::not_found) return bounds.error();
    return damaged("topic " + topic + " is gone, read up to position " + std::to_string(next) +
                   ": restore it, or start on another log with an empty data directory");
  }
  if (bounds->low > next) {
    return damaged("the events from position " + position_text(next) + " to " +
                   std::to_string(bounds->low) + " were deleted from topic " + topic +
                   ": restore them; what is missing may be a revocation");
  }
  if (bounds->high < next) {
    return damaged("topic " + topic + " ends at position " + std::to_string(bounds->high) +
                   ", and was read up to position " + std::to_string(next) +
                   " before: it lost events, or was made anew; restore it, or start on it with an "
                   "empty data directory");
  }
  return {Errc::unavailable, "kafka: reading topic " + topic + " failed: " + trouble.text, {}};
}

Error not_an_event(Position position, const std::string& topic) {
  return damaged("the record at position " + std::to_string(position.value) + " of topic " + topic +
                 " is no event: it is empty, or longer than " + std::to_string(kMaxEventBytes) +
                 " bytes");
}

std::int64_t offset_after(Position position) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  return position.value > static_cast<std::uint64_t>(kLast)
             ? kLast
             : static_cast<std::int64_t>(position.value);
}

}  // namespace keyledger::log::kafka
