#include "events/events.h"

namespace keyledger {
namespace {

/// What is fixed for each type of fact.
struct Traits {
  std::string_view name;
  bool about_a_key;
  bool steps_version;
};

struct TraitsOf {
  Traits operator()(const LedgerCreated&) const { return {"LedgerCreated", false, false}; }
  Traits operator()(const WriterElected&) const { return {"WriterElected", false, false}; }
  Traits operator()(const AccountRegistered&) const { return {"AccountRegistered", false, false}; }
  Traits operator()(const AccountUsernameChanged&) const {
    return {"AccountUsernameChanged", false, false};
  }
  Traits operator()(const KeyCreated&) const { return {"KeyCreated", true, true}; }
  Traits operator()(const KeyEnabled&) const { return {"KeyEnabled", true, true}; }
  Traits operator()(const KeyDisabled&) const { return {"KeyDisabled", true, true}; }
  Traits operator()(const KeyRenamed&) const { return {"KeyRenamed", true, true}; }
  Traits operator()(const KeyDescribed&) const { return {"KeyDescribed", true, true}; }
  Traits operator()(const KeyExpiryChanged&) const { return {"KeyExpiryChanged", true, true}; }
  Traits operator()(const KeyDeleted&) const { return {"KeyDeleted", true, true}; }
  Traits operator()(const KeyValueRevealed&) const { return {"KeyValueRevealed", true, false}; }
  Traits operator()(const EventQuarantined&) const { return {"EventQuarantined", false, false}; }
};

}  // namespace

std::string_view type_name(const Fact& fact) { return std::visit(TraitsOf{}, fact).name; }

bool is_ledgers_own(const Fact& fact) {
  return std::holds_alternative<LedgerCreated>(fact) ||
         std::holds_alternative<WriterElected>(fact) ||
         std::holds_alternative<EventQuarantined>(fact);
}

bool is_about_a_key(const Fact& fact) { return std::visit(TraitsOf{}, fact).about_a_key; }

bool steps_version(const Fact& fact) { return std::visit(TraitsOf{}, fact).steps_version; }

}  // namespace keyledger
