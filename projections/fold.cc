#include "projections/fold.h"

#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "events/log/outline.h"
#include "events/unique_id.h"
#include "projections/rows.h"

namespace keyledger::projections {
namespace {

/// What is to be forgotten is looked for some time ahead: not once for each minute.
constexpr std::chrono::hours kForgetAhead{1};

std::string at(Position position) { return "position " + std::to_string(position.value) + ": "; }

const CommandId& command_of(const log::DecodedEvent& event) {
  const auto* known = std::get_if<Event>(&event);
  return known != nullptr ? known->command : std::get<log::UnknownEvent>(event).command;
}

Place place_of(const log::DecodedEvent& event) {
  return std::visit([](const auto& any) { return any.place; }, event);
}

/// The term that the event was written under; none for those that no term is checked of.
const Term* checked_term(const log::DecodedEvent& event) {
  const auto* known = std::get_if<Event>(&event);
  if (known == nullptr) return &std::get<log::UnknownEvent>(event).term;
  return is_ledgers_own(known->fact) ? nullptr : &known->term;
}

/// What the indexes say of an event. The texts are those of `event` and of static names.
IndexEntry index_entry(const log::DecodedEvent& event) {
  constexpr std::string_view kTypePrefix = "keyledger.";
  if (const auto* known = std::get_if<Event>(&event)) {
    return {known->time, known->account ? std::string_view(known->account->value) : "",
            type_name(known->fact)};
  }
  const auto& unknown = std::get<log::UnknownEvent>(event);
  std::string_view type = unknown.type;
  if (type.starts_with(kTypePrefix)) type.remove_prefix(kTypePrefix.size());
  return {unknown.time, unknown.account ? std::string_view(unknown.account->value) : "", type};
}

/// Makes the audit trails of `account`, and of its `key` if any, lead to `position`.
void write_indexes(Changes& changes, Position position, const std::optional<AccountId>& account,
                   const std::optional<KeyId>& key, const IndexEntry& entry) {
  if (!account) return;
  const std::string row = index_row(entry);
  changes.put(Family::history_by_account, index_key(account->value, position), row);
  const std::string subject = key ? key->value : subject_of(*account);
  changes.put(Family::history_by_subject, index_key(subject, position), row);
}

/// Puts an event where the audit trail finds it.
void write_history(Changes& changes, const log::StoredEvent& stored,
                   const log::DecodedEvent& event) {
  changes.put(Family::history, position_key(stored.position), stored.bytes);
  std::visit(
      [&](const auto& any) {
        write_indexes(changes, stored.position, any.account, any.key, index_entry(event));
      },
      event);
}

/// A model that has applied what the log says is to be passed over isn't what others are.
Result<void> check_passed_over(const Changes& changes, const EventQuarantined& fact,
                               Position position) {
  if (fact.first > position) return {};  // Nonsense, which nobody heeds: see Quarantines.
  const auto row = changes.get(Family::history, position_key(fact.first));
  if (!row) return fail(row.error());
  const auto there = *row ? log::decode(**row) : Result<log::DecodedEvent>{};
  const auto* event = *row && there ? std::get_if<Event>(&*there) : nullptr;
  const auto* placed = event != nullptr ? std::get_if<EventQuarantined>(&event->fact) : nullptr;
  if (placed != nullptr && placed->first == fact.first) return {};
  return fail(Errc::incompatible,
              "EventQuarantined names position " + std::to_string(fact.first.value) +
                  ", which this read model has applied: stop the node and run keyledger "
                  "projection rebuild, which passes over it");
}

}  // namespace

/// The events of one command.
struct Fold::Run {
  std::span<const log::StoredEvent> stored;
  std::vector<log::DecodedEvent> decoded;

  Instant time() const {
    return std::visit([](const auto& any) { return any.time; }, decoded.back());
  }
};

Fold::Fold(Store& store, MetaRow meta) : store_(store), meta_(std::move(meta)) {}

Result<void> Fold::apply(std::span<const log::StoredEvent> events, const Quarantines& quarantines,
                         std::span<Result<log::DecodedEvent>> decoded,
                         std::span<const merkle::Hash> leaves) {
  failed_for_an_event_ = false;
  const auto before = std::tuple(meta_, forgotten_before_, rejected_runs_);
  const auto give_up = [&] {
    std::tie(meta_, forgotten_before_, rejected_runs_) = before;
    oldest_commands_.reset();
    oldest_idempotency_.reset();
    tree_.reset();
    last_account_.reset();
  };
  std::size_t applied = 0;
  Changes changes(store_);
  if (auto folded = fold_runs(changes, {events, decoded}, quarantines, applied); !folded) {
    // The changes may hold half of the run that can't be applied: so once more, without it.
    give_up();
    if (applied == 0) return folded;
    const bool for_an_event = failed_for_an_event_;
    auto others = apply(events.first(applied), quarantines, {},
                        leaves.empty() ? leaves : leaves.first(applied));
    if (!others) return others;
    failed_for_an_event_ = for_an_event;
    return folded;
  }
  if (applied == 0) return {};
  auto grown = tree_.grow(changes, meta_.tree_size, events.first(applied), leaves);
  if (!grown) {
    give_up();
    return grown;
  }
  meta_.tree_size += applied;
  changes.put(Family::meta, std::string(kMetaKey), meta_row(meta_));
  auto written = store_.write(changes.take());
  if (!written) give_up();
  return written;
}

/// Folds whole runs; `applied` counts the events of those that went well.
Result<void> Fold::fold_runs(Changes& changes, const Events& events, const Quarantines& quarantines,
                             std::size_t& applied) {
  const auto& stored = events.stored;
  for (;;) {
    const Events rest = events.after(applied);
    if (rest.empty()) return {};
    if (const Quarantine* quarantine = quarantines.of(rest.stored.front().position)) {
      const bool begins = rest.stored.front().position == quarantine->fact.first;
      if (auto done = begins ? pass_over(changes, *quarantine) : Result<void>{}; !done) return done;
      // One by one, and on the next page where that goes on: they are leaves of the tree.
      for (; applied < stored.size(); ++applied) {
        if (stored[applied].position > quarantine->fact.last) break;
        meta_.position = stored[applied].position;
      }
      continue;
    }
    auto run = next_run(rest);
    if (!run) {
      failed_for_an_event_ = true;
      return fail(std::move(run.error()));
    }
    if (!*run) return {};
    if (auto done = apply_run(changes, **run); !done) {
      return fail(done.error().code, at((*run)->stored.front().position) + done.error().message);
    }
    applied += (*run)->stored.size();
  }
}

/// The first run of `events`; nothing if it isn't all there yet.
Result<std::optional<Fold::Run>> Fold::next_run(const Events& events) {
  std::optional<Run> run(std::in_place);
  Place expected{1, 1};
  for (std::size_t i = 0; i < expected.count; ++i) {
    if (i == events.stored.size()) return std::optional<Run>{};
    const log::StoredEvent& stored = events.stored[i];
    auto event =
        events.decoded.empty() ? decoder_.decode(stored.bytes) : std::move(events.decoded[i]);
    if (!event) return fail(event.error().code, at(stored.position) + event.error().message);
    if (i == 0) expected.count = place_of(*event).count;
    expected.index = static_cast<std::uint16_t>(i + 1);
    const bool belongs = place_of(*event) == expected &&
                         (i == 0 || command_of(*event) == command_of(run->decoded.front()));
    if (!belongs) {
      return fail(Errc::damaged, at(stored.position) + "the command whose " +
                                     std::to_string(expected.count) +
                                     " events should be here is broken off");
    }
    run->decoded.push_back(std::move(*event));
  }
  run->stored = events.stored.first(run->decoded.size());
  return run;
}

Result<void> Fold::apply_run(Changes& changes, const Run& run) {
  const auto skip = is_to_be_skipped(changes, run);
  if (!skip) return fail(skip.error());
  if (*skip) {
    ++rejected_runs_;
  } else {
    meta_.last_event_time = std::max(meta_.last_event_time, run.time());
    if (auto done = forget_old_commands(changes); !done) return done;
    for (std::size_t i = 0; i < run.decoded.size(); ++i) {
      write_history(changes, run.stored[i], run.decoded[i]);
      const auto* event = std::get_if<Event>(&run.decoded[i]);
      if (event == nullptr) continue;
      if (auto fits = check_log_id(*event, run.stored[i].bytes); !fits) return fits;
      if (auto done = apply_event(changes, *event); !done) return done;
    }
    if (auto done = remember_command(changes, run); !done) return done;
  }
  meta_.position = run.stored.back().position;
  return {};
}

/// Two histories never become one model: what another log's writer wrote later is of a term that
/// isn't known here.
Result<void> Fold::check_log_id(const Event& event, std::string_view bytes) const {
  if (!std::holds_alternative<WriterElected>(event.fact)) return {};
  const std::string_view log_id = log::outline(bytes).log_id;
  if (log_id == meta_.log_id) return {};
  return fail(Errc::incompatible, "the log's id is " + std::string(log_id) +
                                      ", and the read model was folded from " + meta_.log_id +
                                      ": put the right log in place");
}

Result<bool> Fold::is_to_be_skipped(const Changes& changes, const Run& run) {
  for (const auto& event : run.decoded) {
    const Term* term = checked_term(event);
    if (term != nullptr && *term != meta_.term) return true;
  }
  return was_applied(changes, command_of(run.decoded.front()), run.time());
}

/// A writer's command ids go up: as a rule, one is beyond all that were applied, and there is
/// nothing to look up.
Result<bool> Fold::was_applied(const Changes& changes, const CommandId& command, Instant at) {
  if (!newest_command_) {
    std::optional<CommandId> newest;
    const auto read = store_.scan(Family::commands, {}, {}, true,
                                  [&](std::string_view key, std::string_view row) {
                                    // No id in a minute's row is of a later minute.
                                    if (newest && key < commands_key(*newest, {}, Instant::min()))
                                      return false;
                                    newest = std::max(newest, newest_command(row));
                                    return true;
                                  });
    if (!read) return fail(read.error());
    newest_command_ = newest.value_or(CommandId{});
  }
  if (command > *newest_command_ && is_unique_id(command.value)) return false;
  const auto row = changes.get(Family::commands, commands_key(command, at, forgotten_time()));
  if (!row) return fail(row.error());
  return *row && has_command(**row, command);
}

/// What the quarantined events did is not known, so their key is left disabled.
Result<void> Fold::pass_over(Changes& changes, const Quarantine& quarantine) {
  const EventQuarantined& fact = quarantine.fact;
  changes.put(Family::history, position_key(fact.first), quarantine.bytes);
  passed_over_.insert(fact.first);
  const std::string_view account = fact.account ? std::string_view(fact.account->value) : "";
  write_indexes(changes, fact.first, fact.account, fact.key,
                {quarantine.time, account, type_name(fact)});
  if (fact.key) {
    auto before = load_state(changes, *fact.account, &*fact.key);
    if (!before) return fail(std::move(before.error()));
    if (before->key.status == KeyState::Status::live) {
      const State after = evolve(std::move(*before), fact, quarantine.time);
      changes.put(Family::keys, keys_key(*fact.account, *fact.key), key_row(after.key));
      changes.put(Family::grants, std::string(digest_key(after.key.digest)),
                  grant_row(*fact.account, after.account.username, after.key));
    }
  }
  return {};
}

Result<State> Fold::load_state(const Changes& changes, const AccountId& account, const KeyId* key) {
  State state;
  if (!last_account_ || last_account_->first != account) {
    const auto row = changes.get(Family::accounts, account.value);
    if (!row) return fail(row.error());
    auto read = *row ? read_account_row(**row) : AccountState{};
    if (!read) return fail(std::move(read.error()));
    last_account_.emplace(account, std::move(*read));
  }
  state.account = last_account_->second;
  if (key == nullptr) return state;
  const std::string row_key = keys_key(account, *key);
  const auto row = changes.get(Family::keys, row_key);
  if (!row) return fail(row.error());
  if (*row) {
    auto read = read_key_row(row_key, **row);
    if (!read) return fail(std::move(read.error()));
    state.key = std::move(*read);
  }
  return state;
}

std::unexpected<Error> Fold::does_not_follow(const Event& event, const std::string& why) {
  failed_for_an_event_ = true;
  return fail(Errc::damaged, std::string(type_name(event.fact)) + " of " +
                                 (event.key ? event.key->value : std::string("an account")) +
                                 " does not follow from what was before: " + why);
}

Result<void> Fold::apply_event(Changes& changes, const Event& event) {
  if (is_about_a_key(event.fact)) return apply_key_fact(changes, event);
  if (event.account) return apply_account_fact(changes, event);
  return apply_ledgers_fact(changes, event);
}

Result<void> Fold::apply_ledgers_fact(const Changes& changes, const Event& event) {
  if (const auto* created = std::get_if<LedgerCreated>(&event.fact)) {
    if (!meta_.log_id.empty()) return does_not_follow(event, "the log has begun before");
    meta_.log_id = created->log_id;
    meta_.pepper_fingerprint = created->pepper_fingerprint;
  } else if (const auto* elected = std::get_if<WriterElected>(&event.fact)) {
    meta_.term = Term{event.id};
    meta_.writer = *elected;
  } else if (const auto* fact = std::get_if<EventQuarantined>(&event.fact)) {
    if (passed_over_.contains(fact->first)) return {};
    return check_passed_over(changes, *fact, meta_.position);
  }
  return {};
}

Result<void> Fold::apply_account_fact(Changes& changes, const Event& event) {
  auto before = load_state(changes, *event.account, nullptr);
  if (!before) return fail(std::move(before.error()));
  const bool was_registered = before->account.registered;
  const State after = evolve(std::move(*before), event.fact, event.time);
  if (!after.account.registered) return does_not_follow(event, "the account is not registered");
  changes.put(Family::accounts, event.account->value, account_row(after.account));
  last_account_.emplace(*event.account, after.account);
  if (!was_registered) return {};
  return rewrite_grants(changes, *event.account, after.account.username);
}

Result<void> Fold::apply_key_fact(Changes& changes, const Event& event) {
  const AccountId& account = *event.account;
  const KeyId& id = *event.key;
  auto before = load_state(changes, account, &id);
  if (!before) return fail(std::move(before.error()));
  const bool is_new = std::holds_alternative<KeyCreated>(event.fact);
  const auto wanted = is_new ? KeyState::Status::absent : KeyState::Status::live;
  if (before->key.status != wanted) {
    return does_not_follow(event, is_new ? "the key is there already" : "there is no such key");
  }
  if (!before->account.registered) return does_not_follow(event, "the account is not registered");
  const std::uint32_t version = before->key.version.value + (steps_version(event.fact) ? 1 : 0);
  if (event.version.value != version) {
    return does_not_follow(event, "its version is " + std::to_string(event.version.value) +
                                      ", not " + std::to_string(version));
  }
  if (!steps_version(event.fact)) return {};

  const State after = evolve(std::move(*before), event.fact, event.time);
  std::string digest(digest_key(after.key.digest));
  if (after.key.status == KeyState::Status::deleted) {
    changes.put(Family::history_by_digest, digest, keys_key(account, id));
    changes.erase(Family::grants, std::move(digest));
  } else {
    changes.put(Family::grants, std::move(digest),
                grant_row(account, after.account.username, after.key));
  }
  changes.put(Family::keys, keys_key(account, id), key_row(after.key));
  return {};
}

/// Every live key of the account carries its username, so that validation needs one row.
Result<void> Fold::rewrite_grants(Changes& changes, const AccountId& account,
                                  const Username& username) const {
  const std::string prefix = keys_prefix(account);
  std::vector<KeyState> live;
  Result<KeyState> key;
  const auto read = changes.scan(Family::keys, prefix, after_prefix(prefix),
                                 [&](std::string_view row_key, std::string_view row) {
                                   key = read_key_row(row_key, row);
                                   if (!key) return false;
                                   if (key->status == KeyState::Status::live) live.push_back(*key);
                                   return true;
                                 });
  if (!read) return read;
  if (!key) return fail(std::move(key.error()));
  for (const KeyState& each : live) {
    changes.put(Family::grants, std::string(digest_key(each.digest)),
                grant_row(account, username, each));
  }
  return {};
}

Result<void> Fold::remember_command(Changes& changes, const Run& run) {
  const CommandId& command = command_of(run.decoded.front());
  std::string key = commands_key(command, run.time(), forgotten_time());
  // What is forgotten already would be remembered until a restart, say.
  if (!command.value.empty() && key >= time_key(forgotten_time())) {
    oldest_commands_.changed(key);
    changes.append(Family::commands, std::move(key), commands_entry(command));
    if (is_unique_id(command.value) && command > *newest_command_) newest_command_ = command;
  }
  const auto* first = std::get_if<Event>(&run.decoded.front());
  if (first == nullptr || !first->idempotency || run.time() < forgotten_time()) return {};

  const std::string& hash = first->idempotency->key_hash;
  const auto old = changes.get(Family::idempotency, hash);
  if (!old) return fail(old.error());
  if (*old) {
    const auto record = read_idempotency_row(**old);
    if (!record) return fail(record.error());
    const std::string by_time = time_key(record->time, hash);
    changes.erase(Family::idempotency_by_time, by_time);
    oldest_idempotency_.changed(by_time);
  }
  IdempotencyRecord record{first->idempotency->request_hash,
                           run.stored.front().position,
                           run.stored.back().position,
                           first->account,
                           std::nullopt,
                           run.time()};
  for (const auto& event : run.decoded) {
    const auto* known = std::get_if<Event>(&event);
    if (known != nullptr && known->key) record.key = known->key;
  }
  changes.put(Family::idempotency, hash, idempotency_row(record));
  const std::string by_time = time_key(record.time, hash);
  changes.put(Family::idempotency_by_time, by_time, {});
  oldest_idempotency_.changed(by_time);
  return {};
}

/// Before which commands are forgotten: by event time, in whole minutes, so that every replica and
/// every rebuild forgets the same.
Instant Fold::forgotten_time() const {
  return std::chrono::floor<std::chrono::minutes>(meta_.last_event_time) - kIdempotencyRetention;
}

Result<void> Fold::forget_old_commands(Changes& changes) {
  const Instant before = forgotten_time();
  if (before <= forgotten_before_) return {};
  const auto is_old = [&](std::string_view time) {
    const auto at = read_time_key(time);
    return !at || *at < before;
  };
  const std::string to = time_key(before + kForgetAhead);
  for (;;) {
    const auto key = oldest_idempotency_.front(changes, to);
    if (!key) return fail(key.error());
    if (*key == nullptr || !is_old(**key)) break;
    changes.erase(Family::idempotency_by_time, **key);
    changes.erase(Family::idempotency, (*key)->substr(kTimeBytes));
    oldest_idempotency_.pop();
  }
  for (;;) {
    const auto key = oldest_commands_.front(changes, to);
    if (!key) return fail(key.error());
    if (*key == nullptr || !is_old(**key)) break;
    changes.erase(Family::commands, **key);
    oldest_commands_.pop();
  }
  forgotten_before_ = before;
  return {};
}

}  // namespace keyledger::projections
