#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/result.h"
#include "events/state.h"
#include "events/vocabulary.h"
#include "projections/merkle/tile.h"
#include "projections/read_model.h"

namespace keyledger::projections {

// The keys and values of the read model's rows (rows.fbs). Numbers in keys are big-endian, so that
// they sort. Reading a row never trusts its bytes: what can't be one is `damaged`.

/// Goes up with every change of a row's form: a model of another format is rebuilt.
inline constexpr std::uint32_t kRowFormat = 5;

// meta: the one row of each.
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kMetaKey = "meta";
std::string meta_row(const MetaRow& meta);
Result<MetaRow> read_meta_row(std::string_view row);

// keys: account, a zero byte and the key id. A deleted key leaves a row without its texts, so that
// its id is never taken again and its trail is still found.
std::string keys_prefix(const AccountId& account);
std::string keys_key(const AccountId& account, const KeyId& key);
std::string key_row(const KeyState& key);
/// `key` is the row's key in the family.
Result<KeyState> read_key_row(std::string_view key, std::string_view row);

// grants: the digest's 32 bytes. Live keys only.
std::string_view digest_key(const Digest& digest);
std::string grant_row(const AccountId& account, const Username& username, const KeyState& key);
Result<Grant> read_grant_row(std::string_view row);

// accounts: the account id.
std::string account_row(const AccountState& account);
Result<AccountState> read_account_row(std::string_view row);

// history: the position; the value is the event as it lies in the log.
std::string position_key(Position position);
std::optional<Position> read_position_key(std::string_view key);

// history_by_account and history_by_subject: the account, or the subject, a zero byte and the
// position. The subject is the key's id; for facts about the account itself it is subject_of().
std::string index_prefix(std::string_view owner);
std::string index_key(std::string_view owner, Position position);
std::optional<Position> read_index_key(std::string_view key);
std::string subject_of(const AccountId& account);

/// What the indexes tell of an event, so that filters needn't read it.
struct IndexEntry {
  Instant time;
  std::string_view account;
  std::string_view type;  ///< "KeyRenamed"
};
std::string index_row(const IndexEntry& entry);
/// The result refers to `row`.
Result<IndexEntry> read_index_row(std::string_view row);

// history_by_digest: the digest of a deleted key; the value is the keys_key() of it. Whose a live
// key's is says its grant: of all rows that a new key needs, those by digest cost most to sort in.
/// Account and key id of a keys_key(); nothing if it is none.
std::optional<std::pair<AccountId, KeyId>> read_keys_key(std::string_view key);

// idempotency: the hash of the idempotency key. idempotency_by_time: instant and that hash, with an
// empty value.
std::string idempotency_row(const IdempotencyRecord& record);
Result<IdempotencyRecord> read_idempotency_row(std::string_view row);
std::string time_key(Instant at, std::string_view rest = {});
std::optional<Instant> read_time_key(std::string_view key);
inline constexpr std::size_t kTimeBytes = 8;

// commands: a minute; the value is the ids of its commands, each behind a byte that says its
// length. Of one that is longer, a hash (XXH3, 128 bits) takes the place of its end. A command's
// minute is that of its id, which says when it was decided; that of `at`, its event's time, for an
// id that is none of ours, or of a time before `forgotten`.
std::string commands_key(const CommandId& command, Instant at, Instant forgotten);
std::string commands_entry(const CommandId& command);
bool has_command(std::string_view row, const CommandId& command);
/// The greatest of the row's ids that are of our form; nothing if none is.
std::optional<CommandId> newest_command(std::string_view row);

// tiles: a byte that says the level, and the tile's number; the value is its hashes, which come one
// behind the other. tile_positions: the number of a tile of level 0; the value is the positions of
// its leaves, eight bytes each. Both are appended to until they are full, without reading.
std::string tile_key(const merkle::TileId& tile);
std::string tile_positions_key(std::uint64_t tile);
Result<std::vector<Position>> read_tile_positions(std::string_view row);

}  // namespace keyledger::projections
