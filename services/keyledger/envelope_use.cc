#include "services/keyledger/envelope_use.h"

#include <cstddef>
#include <set>
#include <variant>

#include "events/log/codec.h"
#include "services/security/envelope.h"

namespace keyledger {
namespace {

constexpr std::size_t kReadAtOnce = 1000;

}  // namespace

Result<EnvelopeUse> count_envelopes(const log::LogReader& log) {
  std::set<std::string> living;
  for (Position position{};;) {
    const auto events = log.read_after(position, kReadAtOnce);
    if (!events) return fail(events.error());
    if (events->empty()) break;
    for (const auto& stored : *events) {
      // An event that can't be read made no key that anybody could reveal.
      const auto decoded = log::decode(stored.bytes);
      const auto* event = decoded ? std::get_if<Event>(&*decoded) : nullptr;
      if (event == nullptr || !event->key) continue;
      if (std::holds_alternative<KeyCreated>(event->fact)) living.insert(event->key->value);
    }
    position = events->back().position;
  }
  EnvelopeUse use;
  for (const std::string& id : living) {
    const auto key = KeyId::parse(id);
    if (!key) continue;
    const auto envelope = log.envelope(*key);
    if (!envelope) return fail(envelope.error());
    if (!*envelope) continue;
    const auto sealed_with = security::envelope_key_of((*envelope)->sealed);
    if (!sealed_with) return fail(sealed_with.error());
    ++use[*sealed_with];
  }
  return use;
}

}  // namespace keyledger
