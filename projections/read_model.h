#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  /// The sort key and id of the last key of the page before. For KeySort::created_at the id alone
  /// counts (ids sort by creation).
  struct After {
    std::string
        name;  ///< The name as it was on that page; sorted by case-folded (ASCII) bytes, then id.
    KeyId id;
  };
  std::optional<After> after;
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
  std::optional<Instant> from;  ///< Inclusive, by event time.
  std::optional<Instant> to;    ///< Exclusive.
};

struct HistoryPage {
  std::vector<HistoryEntry> entries;
  bool more = false;
};

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
};

/// The questions that may be asked of a read model. Everything is answered from one RocksDB; a
/// point look-up of a warm row may run on an I/O thread, list_keys() and history() belong on a
/// query thread.
///
/// Thread safety: all members, from any thread, beside the projector that writes. No lock is shared
/// with it. Errors of all: io, damaged.
class ReadModel {
 public:
  ReadModel(const ReadModel&) = delete;
  ReadModel& operator=(const ReadModel&) = delete;
  virtual ~ReadModel() = default;

  /// The validation path: one point look-up. Nothing for an unknown or deleted key.
  virtual Result<std::optional<Grant>> grant(const Digest& digest) const = 0;

  /// Status::absent where there never was such a key in this account; Status::deleted for a deleted
  /// one.
  virtual Result<KeyState> key(const AccountId& account, const KeyId& key) const = 0;
  virtual Result<AccountState> account(const AccountId& account) const = 0;
  virtual Result<KeyPage> list_keys(const KeyQuery& query) const = 0;
  virtual Result<HistoryPage> history(const HistoryQuery& query) const = 0;
  virtual Result<std::optional<IdempotencyRecord>> idempotency(
      const std::string& key_hash) const = 0;

  /// The state of `key` (and of its account) right after the event at `position`, folded from
  /// history.
  virtual Result<State> state_at(const AccountId& account, const std::optional<KeyId>& key,
                                 Position position) const = 0;
  virtual Result<MetaRow> meta() const = 0;

  /// A checksum over all rows of all families that are derived from the log, as 32 hex digits, and
  /// the position that it is true of: equal for every model that folded the same events. Reads
  /// everything.
  struct Checksum {
    Position position;
    std::string hex;
  };
  virtual Result<Checksum> checksum() const = 0;

 protected:
  ReadModel() = default;
};

}  // namespace keyledger::projections
