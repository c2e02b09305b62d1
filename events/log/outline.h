#pragma once

#include <optional>
#include <string_view>

#include "events/events.h"
#include "events/vocabulary.h"

namespace keyledger::log {

/// What can still be told of an event, be it that decode() can't read it.
struct Outline {
  std::string_view type;    ///< As stored: "keyledger.KeyRenamed"; empty if that can't be told.
  std::string_view log_id;  ///< Of the log that it was written to.
  std::string_view command;
  std::string_view term;
  std::optional<Place> place;
  std::optional<Instant> time;
  std::optional<AccountId> account;
  std::optional<KeyId> key;
  std::optional<Version> version;
};

/// Looks for the attributes as encode() writes them, in bytes that may be anything: cut off,
/// changed, or of a form that only another program knows. Believes none that isn't well-formed. The
/// texts are those of `bytes`.
Outline outline(std::string_view bytes);

}  // namespace keyledger::log
