#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/events.h"
#include "events/result.h"
#include "events/state.h"
#include "events/vocabulary.h"

namespace keyledger::projections {

/// How long the answer to an Idempotency-Key is kept, by event time.
inline constexpr std::chrono::hours kIdempotencyRetention{7 * 24};

/// What validation needs of a key, by its digest.
struct Grant {
  AccountId account;
  Username username;
  KeyId key;
  KeyName name;
  bool enabled = false;
  std::optional<Instant> expires_at;
  Version version;
};

/// When a question that reads many rows gives up, with `unavailable`.
using Deadline = std::chrono::steady_clock::time_point;

enum class KeySort { created_at, name };
enum class Order { ascending, descending };

/// A question for one page of an account's keys.
struct KeyQuery {
  AccountId account;
  std::optional<bool> enabled;
  /// Matched without regard to ASCII case, anywhere in name, description, id or the value's last
  /// four.
  std::string text;
  KeySort sort = KeySort::created_at;
  Order order = Order::ascending;
  std::size_t limit = 50;
  /// The last key of the page before. For KeySort::created_at the id alone counts (ids sort by
  /// creation).
  struct After {
    /// The name as it was on that page. Names sort by their bytes, ASCII letters as lower case.
    std::string name;
    KeyId id;
  };
  std::optional<After> after;
  std::optional<Position> as_of;  ///< The keys as they were right after this event.
  Deadline deadline = Deadline::max();
};

struct KeyPage {
  std::vector<KeyState> keys;
  bool more = false;
};

/// An event as the history keeps it.
struct HistoryEntry {
  Position position;
  std::string bytes;
};

/// A question for one page of an audit trail.
struct HistoryQuery {
  std::optional<AccountId> account;  ///< Of this account,
  std::optional<KeyId> key;          ///< or of this key. With both, events must be of both.
  Position after;                    ///< Exclusive. Newest first, 0 means from the end.
  Order order = Order::ascending;
  std::size_t limit = 50;
  std::string type;             ///< "KeyRenamed"; empty: all.
  std::string actor;            ///< The subject of who did it; empty: all.
  std::optional<Instant> from;  ///< Inclusive, by event time.
  std::optional<Instant> to;    ///< Exclusive.
  Deadline deadline = Deadline::max();
};

struct HistoryPage {
  std::vector<HistoryEntry> entries;
  bool more = false;
};

/// A question for the events that follow each other in the log, for who follows it.
struct FollowQuery {
  std::optional<AccountId> account{};  ///< Those about it; none: all, and the ledger's own.
  std::vector<std::string> types{};    ///< "KeyRenamed"; empty: all.
  Position after{};                    ///< Exclusive.
  Position up_to{};                    ///< Inclusive; what the model has applied.
  std::size_t max_bytes = std::size_t{48} * 1024;  ///< The last event may be longer.
  std::size_t max_rows = 10'000;                   ///< That are looked at, whether they fit or not.
};

struct FollowPage {
  Position last;  ///< Up to here, inclusive, everything was looked at.
  std::size_t events = 0;
};

/// Takes the next event of a page. The bytes are there for the call.
using FollowTake = std::function<void(Position, std::string_view)>;

/// Which command answered an idempotency key, and where its events lie.
struct IdempotencyRecord {
  std::string request_hash;
  Position first;
  Position last;
  std::optional<AccountId> account;
  std::optional<KeyId> key;
  Instant time;
};

struct MetaRow {
  std::uint32_t format = 0;
  std::string log_id;
  std::string pepper_fingerprint;
  Position position;  ///< Up to here everything is in this model.
  Term term;
  Instant last_event_time;
  WriterElected writer{};       ///< Who began the term.
  std::uint64_t tree_size = 0;  ///< The Merkle tree's leaves: the events up to `position`.
};

/// How a read model is opened.
struct ReadModelOptions {
  std::size_t cache_bytes = std::size_t{256} << 20U;  ///< Block cache, over all families.
};

class Store;

/// The questions that may be asked of a read model. Everything is answered from one RocksDB; a
/// point look-up of a warm row may run on an I/O thread, list_keys(), history() and checksum()
/// belong on a thread for queries.
///
/// Thread safety: all members, from any thread, beside the projector that writes. No lock is shared
/// with it. Errors of all: io, damaged; of list_keys() and history() also unavailable, at the
/// deadline.
class ReadModel {
 public:
  explicit ReadModel(std::unique_ptr<Store> store);
  ~ReadModel();
  ReadModel(const ReadModel&) = delete;
  ReadModel& operator=(const ReadModel&) = delete;

  /// The validation path: one point look-up. Nothing for an unknown or deleted key.
  Result<std::optional<Grant>> grant(const Digest& digest) const;

  /// What grant() said right after the event at `position`, folded from history.
  Result<std::optional<Grant>> grant_at(const Digest& digest, Position position) const;

  /// Status::absent where there never was such a key in this account; Status::deleted for a deleted
  /// one, of which no texts are kept here.
  Result<KeyState> key(const AccountId& account, const KeyId& key) const;
  Result<AccountState> account(const AccountId& account) const;
  Result<KeyPage> list_keys(const KeyQuery& query) const;
  Result<HistoryPage> history(const HistoryQuery& query) const;

  /// Gives `take` a page of what was applied after `after`, oldest first. On an error it has got a
  /// part of that. Bounded work: for a thread for queries.
  Result<FollowPage> follow(const FollowQuery& query, const FollowTake& take) const;

  /// The event that was applied at `position`; nothing where none was: it is beyond this model, or
  /// was rejected, or no event's. Where events were passed over: the EventQuarantined.
  Result<std::optional<std::string>> event(Position position) const;

  Result<std::optional<IdempotencyRecord>> idempotency(const std::string& key_hash) const;

  /// The state of `key` right after the event at `position`, folded from history; where no key is
  /// named, that of the account.
  Result<State> state_at(const AccountId& account, const std::optional<KeyId>& key,
                         Position position) const;

  /// The last position whose event happened at `at` or before it; 0 where there is none.
  Result<Position> position_at(Instant at) const;

  /// When the last event happened that lies at `position` or before it; the beginning of time where
  /// there is none.
  Result<Instant> time_at(Position position) const;

  /// Position 0 and empty texts for a model that has applied nothing.
  Result<MetaRow> meta() const;

  /// A checksum (XXH3, 128 bits) over all rows of all families that are derived from the log, as 32
  /// hex digits, and the position that it is true of: equal for every model that folded the same
  /// events. Reads everything.
  struct Checksum {
    Position position;
    std::string hex;
  };
  Result<Checksum> checksum() const;

  /// Copies the model as it is now to `directory`, which must not be there. A node goes on from
  /// such a copy as from its own. Not where it was opened to be read.
  Result<void> checkpoint(const std::filesystem::path& directory) const;

  /// For the projector alone; to be read, for who answers from other families (tree.h).
  Store& store() { return *store_; }
  const Store& store() const { return *store_; }

 private:
  using KeyPath = std::pair<AccountId, KeyId>;

  /// Whose value `digest` is of, also after it was deleted.
  Result<std::optional<KeyPath>> owner_of(const Digest& digest) const;

  /// The account's keys that were live right after the event at `position`, by id.
  Result<std::map<std::string, KeyState>> keys_at(const AccountId& account, Position position,
                                                  Deadline deadline) const;

  std::unique_ptr<Store> store_;
};

/// Opens, or makes, the read model in `directory` for one projector, in this process.
///
/// Errors: locked (another process has it open for writing), incompatible (its rows are of another
/// format: see rebuild_read_model()), damaged, io.
Result<std::unique_ptr<ReadModel>> open_read_model(const std::filesystem::path& directory,
                                                   const ReadModelOptions& options = {});

/// Opens what is there now to be read, beside a projector or without one.
///
/// Errors: not_found (there is none), incompatible, damaged, io.
Result<std::unique_ptr<ReadModel>> open_read_model_for_reading(
    const std::filesystem::path& directory);

}  // namespace keyledger::projections
