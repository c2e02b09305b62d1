// The event codec: what can be read can be written, and is then read as the same.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "events/log/codec.h"
#include "tests/fuzz/promise.h"

namespace keyledger::log {
namespace {

using fuzz::promise;

constexpr std::string_view kLogId = "06DZ3K5V9QKZ3YF8S1W2X4T6B0";

bool is_same(const UnknownEvent& left, const UnknownEvent& right) {
  return left.type == right.type && left.command == right.command && left.place == right.place &&
         left.term == right.term && left.time == right.time && left.account == right.account &&
         left.key == right.key;
}

bool is_same(const DecodedEvent& left, const DecodedEvent& right) {
  if (left.index() != right.index()) return false;
  if (const auto* event = std::get_if<Event>(&left)) return *event == std::get<Event>(right);
  return is_same(std::get<UnknownEvent>(left), std::get<UnknownEvent>(right));
}

void check(std::string_view bytes) {
  static Decoder kept;  // What one event left behind meets the next.
  const auto decoded = decode(bytes);
  const auto decoded_by_kept = kept.decode(bytes);
  promise(decoded.has_value() == decoded_by_kept.has_value(), "a decoder keeps nothing");
  if (!decoded) {
    promise(decoded.error().code == Errc::damaged, "bytes are an event or damaged");
    promise(decoded.error().message == decoded_by_kept.error().message, "a decoder keeps nothing");
    return;
  }
  promise(is_same(*decoded, *decoded_by_kept), "a decoder keeps nothing");
  const auto* event = std::get_if<Event>(&*decoded);
  if (event == nullptr) return;

  const auto encoded = encode(*event, kLogId);
  promise(encoded.has_value(), "an event that was read can be written");
  const auto again = decode(*encoded);
  promise(again.has_value(), "an event that was written can be read");
  promise(std::get<Event>(*again) == *event, "an event is read as it was written");
  promise(encode(std::get<Event>(*again), kLogId) == *encoded, "an event has one form");
}

}  // namespace
}  // namespace keyledger::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  keyledger::log::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
