#include "projections/rows.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include <xxhash.h>

#include "events/unique_id.h"
#include "projections/rows_generated.h"

namespace keyledger::projections {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr std::size_t kNumberBytes = 8;
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63U;

void append_number(std::string& out, std::uint64_t number) {
  for (unsigned shift = 64; shift > 0;) {
    shift -= 8;
    out += static_cast<char>((number >> shift) & 0xFFU);
  }
}

/// The number in the first kNumberBytes of `bytes`, which must have as many.
std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes.substr(0, kNumberBytes)) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  return number;
}

std::int64_t to_count(Instant at) { return at.time_since_epoch().count(); }
Instant to_instant(std::int64_t count) { return Instant{std::chrono::microseconds{count}}; }

flatbuffers::Optional<std::int64_t> to_optional_count(const std::optional<Instant>& at) {
  return at ? flatbuffers::Optional<std::int64_t>(to_count(*at)) : flatbuffers::nullopt;
}
std::optional<Instant> to_optional_instant(flatbuffers::Optional<std::int64_t> count) {
  return count.has_value() ? std::optional(to_instant(count.value())) : std::nullopt;
}

Offset<flatbuffers::String> text(FlatBufferBuilder& builder, std::string_view value) {
  return builder.CreateString(value.data(), value.size());
}

template <typename Table>
std::string finish(FlatBufferBuilder& builder, Offset<Table> root) {
  builder.Finish(root);
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

std::string to_string(const flatbuffers::String* value) {
  return value == nullptr ? std::string{} : value->str();
}

/// The table that a row's bytes are; none if they are not one. FlatBuffers loads numbers from where
/// they lie, and rows lie at any address: one that isn't aligned is read from a copy.
template <typename Table>
class TableOf {
 public:
  explicit TableOf(std::string_view row) {
    if (row.size() < kAlignment) return;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(row.data());
    if (reinterpret_cast<std::uintptr_t>(bytes) % kAlignment != 0) bytes = copy(row);
    constexpr unsigned kMaxDepth = 8;
    constexpr unsigned kMaxTables = 8;
    flatbuffers::Verifier verifier(bytes, row.size(), kMaxDepth, kMaxTables);
    if (verifier.VerifyBuffer<Table>(nullptr)) table_ = flatbuffers::GetRoot<Table>(bytes);
  }
  TableOf(const TableOf&) = delete;
  TableOf& operator=(const TableOf&) = delete;

  explicit operator bool() const { return table_ != nullptr; }
  const Table* operator->() const { return table_; }

 private:
  static constexpr std::size_t kAlignment = alignof(std::uint64_t);
  static constexpr std::size_t kShortBytes = 512;

  const std::uint8_t* copy(std::string_view row) {
    std::uint8_t* to = short_.data();
    if (row.size() > kShortBytes) {
      long_ = std::make_unique_for_overwrite<std::uint8_t[]>(row.size());
      to = long_.get();
    }
    std::memcpy(to, row.data(), row.size());
    return to;
  }

  alignas(kAlignment) std::array<std::uint8_t, kShortBytes> short_;
  std::unique_ptr<std::uint8_t[]> long_;  ///< For those that are longer.
  const Table* table_ = nullptr;
};

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::damaged, std::string(what) +
                                 " of the read model can't be read: stop the node and run "
                                 "keyledger projection rebuild");
}

}  // namespace

std::string meta_row(const MetaRow& meta) {
  FlatBufferBuilder builder;
  const auto log_id = text(builder, meta.log_id);
  const auto fingerprint = text(builder, meta.pepper_fingerprint);
  const auto term = text(builder, meta.term.value);
  const auto node = text(builder, meta.writer.node);
  const auto url = text(builder, meta.writer.url);
  return finish(builder,
                rows::CreateMetaRow(builder, log_id, fingerprint, meta.position.value, term,
                                    to_count(meta.last_event_time), node, url, meta.tree_size));
}

Result<MetaRow> read_meta_row(std::string_view row) {
  const TableOf<rows::MetaRow> table(row);
  if (!table) return damaged("the position");
  return MetaRow{kRowFormat,
                 to_string(table->log_id()),
                 to_string(table->pepper_fingerprint()),
                 Position{table->position()},
                 Term{to_string(table->term())},
                 to_instant(table->last_event_time()),
                 {to_string(table->writer_node()), to_string(table->writer_url())},
                 table->tree_size()};
}

std::string keys_prefix(const AccountId& account) { return account.value + '\0'; }

std::string keys_key(const AccountId& account, const KeyId& key) {
  return keys_prefix(account) + key.value;
}

std::optional<std::pair<AccountId, KeyId>> read_keys_key(std::string_view key) {
  const auto separator = key.find('\0');
  if (separator == key.npos) return std::nullopt;
  return std::pair(AccountId{std::string(key.substr(0, separator))},
                   KeyId{std::string(key.substr(separator + 1))});
}

std::string key_row(const KeyState& key) {
  const bool deleted = key.status == KeyState::Status::deleted;
  FlatBufferBuilder builder;
  const auto name = text(builder, deleted ? "" : key.name.value);
  Offset<flatbuffers::String> description;
  if (!deleted && key.description) description = text(builder, key.description->value);
  const auto digest = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(key.digest.data()),
                                           key.digest.size());
  const auto hint = text(builder, deleted ? "" : key.value_hint);
  return finish(builder, rows::CreateKeyRow(
                             builder, deleted, key.version.value, name, description,
                             !deleted && key.enabled, to_count(key.created_at.value_or(Instant{})),
                             deleted ? flatbuffers::nullopt : to_optional_count(key.expires_at),
                             digest, hint));
}

Result<KeyState> read_key_row(std::string_view key, std::string_view row) {
  const TableOf<rows::KeyRow> table(row);
  const auto separator = key.find('\0');
  if (!table || separator == key.npos || table->digest()->size() != Digest{}.size()) {
    return damaged("a key");
  }
  KeyState state;
  state.status = table->deleted() ? KeyState::Status::deleted : KeyState::Status::live;
  state.id = KeyId{std::string(key.substr(separator + 1))};
  state.version = Version{table->version()};
  state.name = KeyName{to_string(table->name())};
  if (table->description() != nullptr) state.description = Description{table->description()->str()};
  state.enabled = table->enabled();
  state.created_at = to_instant(table->created_at());
  state.expires_at = to_optional_instant(table->expires_at());
  std::memcpy(state.digest.data(), table->digest()->data(), state.digest.size());
  state.value_hint = to_string(table->value_hint());
  return state;
}

std::string_view digest_key(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string grant_row(const AccountId& account, const Username& username, const KeyState& key) {
  FlatBufferBuilder builder;
  const auto account_id = text(builder, account.value);
  const auto user = text(builder, username.value);
  const auto id = text(builder, key.id.value);
  const auto name = text(builder, key.name.value);
  return finish(builder,
                rows::CreateGrantRow(builder, account_id, user, id, name, key.enabled,
                                     to_optional_count(key.expires_at), key.version.value));
}

Result<Grant> read_grant_row(std::string_view row) {
  const TableOf<rows::GrantRow> table(row);
  if (!table) return damaged("a grant");
  return Grant{AccountId{to_string(table->account())},
               Username{to_string(table->username())},
               KeyId{to_string(table->key())},
               KeyName{to_string(table->name())},
               table->enabled(),
               to_optional_instant(table->expires_at()),
               Version{table->version()}};
}

std::string account_row(const AccountState& account) {
  FlatBufferBuilder builder;
  const auto username = text(builder, account.username.value);
  return finish(builder,
                rows::CreateAccountRow(builder, username, to_count(account.registered_at)));
}

Result<AccountState> read_account_row(std::string_view row) {
  const TableOf<rows::AccountRow> table(row);
  if (!table) return damaged("an account");
  return AccountState{true, Username{to_string(table->username())},
                      to_instant(table->registered_at())};
}

std::string position_key(Position position) {
  std::string key;
  append_number(key, position.value);
  return key;
}

std::optional<Position> read_position_key(std::string_view key) {
  if (key.size() != kNumberBytes) return std::nullopt;
  return Position{read_number(key)};
}

std::string index_prefix(std::string_view owner) { return std::string(owner) + '\0'; }

std::string index_key(std::string_view owner, Position position) {
  std::string key;
  key.reserve(owner.size() + 1 + kNumberBytes);
  key.append(owner) += '\0';
  append_number(key, position.value);
  return key;
}

std::optional<Position> read_index_key(std::string_view key) {
  if (key.size() <= kNumberBytes) return std::nullopt;
  return Position{read_number(key.substr(key.size() - kNumberBytes))};
}

std::string subject_of(const AccountId& account) { return "@" + account.value; }

std::string index_row(const IndexEntry& entry) {
  std::string row = time_key(entry.time, entry.account);
  row += '\0';
  return row.append(entry.type);
}

Result<IndexEntry> read_index_row(std::string_view row) {
  const auto time = read_time_key(row);
  const auto separator = row.find('\0', std::min(row.size(), kTimeBytes));
  if (!time || separator == row.npos) return damaged("an index of the history");
  return IndexEntry{*time, row.substr(kTimeBytes, separator - kTimeBytes),
                    row.substr(separator + 1)};
}

std::string idempotency_row(const IdempotencyRecord& record) {
  FlatBufferBuilder builder;
  const auto hash = text(builder, record.request_hash);
  Offset<flatbuffers::String> account;
  if (record.account) account = text(builder, record.account->value);
  Offset<flatbuffers::String> key;
  if (record.key) key = text(builder, record.key->value);
  return finish(builder,
                rows::CreateIdempotencyRow(builder, hash, record.first.value, record.last.value,
                                           account, key, to_count(record.time)));
}

Result<IdempotencyRecord> read_idempotency_row(std::string_view row) {
  const TableOf<rows::IdempotencyRow> table(row);
  if (!table) return damaged("an idempotency key");
  IdempotencyRecord record{to_string(table->request_hash()),
                           Position{table->first()},
                           Position{table->last()},
                           std::nullopt,
                           std::nullopt,
                           to_instant(table->time())};
  if (table->account() != nullptr) record.account = AccountId{table->account()->str()};
  if (table->key() != nullptr) record.key = KeyId{table->key()->str()};
  return record;
}

std::string time_key(Instant at, std::string_view rest) {
  // With the sign bit turned over, instants before 1970 sort before those after.
  std::string key;
  key.reserve(kTimeBytes + rest.size() + 1);
  append_number(key, static_cast<std::uint64_t>(to_count(at)) ^ kSignBit);
  return key.append(rest);
}

namespace {

/// Takes the first id off a row of commands.
std::string_view take_command(std::string_view& row) {
  const auto bytes = static_cast<unsigned char>(row.front());
  const std::string_view id = row.substr(1, bytes);
  row.remove_prefix(1 + id.size());
  return id;
}

/// What a row of commands has of an id: of ours, all.
std::string short_id(const CommandId& command) {
  if (command.value.size() <= UINT8_MAX) return command.value;
  const XXH128_hash_t hash = XXH3_128bits(command.value.data(), command.value.size());
  std::string id = command.value.substr(0, UINT8_MAX - 2 * kNumberBytes);
  append_number(id, hash.high64);
  append_number(id, hash.low64);
  return id;
}

}  // namespace

std::string commands_key(const CommandId& command, Instant at, Instant forgotten) {
  if (is_unique_id(command.value)) {
    const Instant decided = std::chrono::floor<std::chrono::minutes>(unique_id_time(command.value));
    if (decided >= forgotten) return time_key(decided);
  }
  return time_key(std::chrono::floor<std::chrono::minutes>(at));
}

std::string commands_entry(const CommandId& command) {
  const std::string id = short_id(command);
  return std::string(1, static_cast<char>(id.size())) + id;
}

bool has_command(std::string_view row, const CommandId& command) {
  const std::string id = short_id(command);
  while (!row.empty()) {
    if (take_command(row) == id) return true;
  }
  return false;
}

std::optional<CommandId> newest_command(std::string_view row) {
  std::string_view newest;
  while (!row.empty()) {
    const std::string_view id = take_command(row);
    if (is_unique_id(id)) newest = std::max(newest, id);
  }
  return newest.empty() ? std::nullopt : std::optional(CommandId{std::string(newest)});
}

std::optional<Instant> read_time_key(std::string_view key) {
  if (key.size() < kTimeBytes) return std::nullopt;
  return to_instant(static_cast<std::int64_t>(read_number(key) ^ kSignBit));
}

std::string tile_key(const merkle::TileId& tile) {
  std::string key(1, static_cast<char>(tile.level));
  append_number(key, tile.index);
  return key;
}

std::string tile_positions_key(std::uint64_t tile) {
  std::string key;
  append_number(key, tile);
  return key;
}

Result<std::vector<Position>> read_tile_positions(std::string_view row) {
  if (row.size() % kNumberBytes != 0) return damaged("a tile's positions");
  std::vector<Position> positions;
  positions.reserve(row.size() / kNumberBytes);
  for (; !row.empty(); row.remove_prefix(kNumberBytes)) {
    positions.push_back(Position{read_number(row)});
  }
  return positions;
}

}  // namespace keyledger::projections
