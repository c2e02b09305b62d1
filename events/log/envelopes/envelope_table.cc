#include "events/log/envelopes/envelope_table.h"

#include <memory>
#include <ranges>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <rocksdb/db.h>

#include "events/log/envelopes/rocks.h"
#include "events/log/envelopes/rows.h"

namespace keyledger::log {
namespace {

/// There while envelopes were erased whose bytes may still lie in some file.
constexpr std::string_view kUnpurgedKey = "unpurged";
/// All key ids: they begin with these letters.
constexpr std::string_view kFirstKey = "key_";
constexpr std::string_view kLastKey = "key_~";

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

EnvelopeTable::EnvelopeTable(rocksdb::DB& db, Families families)
    : db_(db), families_(std::move(families)) {
  std::string mark;
  if (db_.Get({}, families_.settings, slice(kUnpurgedKey), &mark).ok()) {
    unpurged_.emplace(std::string(kFirstKey), std::string(kLastKey));
  }
}

Result<std::optional<Envelope>> EnvelopeTable::find(const KeyId& key) const {
  std::string row;
  const auto status = db_.Get({}, families_.envelopes, key.value, &row);
  if (status.IsNotFound()) return std::optional<Envelope>{};
  if (!status.ok()) return fail(rocksdb_error(status, "can't read the envelope of " + key.value));
  auto envelope = read_envelope_row(key.value, row);
  if (!envelope) return fail(Errc::damaged, "the envelope of " + key.value + " can't be read");
  return envelope;
}

Result<std::vector<KeyId>> EnvelopeTable::due(Instant now, std::size_t max) const {
  std::vector<KeyId> keys;
  const std::unique_ptr<rocksdb::Iterator> row(db_.NewIterator({}, families_.settings));
  for (row->Seek(slice(kDuePrefix)); row->Valid() && keys.size() < max; row->Next()) {
    auto envelope = read_due_key(row->key().ToStringView());
    if (!envelope || envelope->erase_after > now) break;
    keys.push_back(std::move(envelope->key));
  }
  if (row->status().ok()) return keys;
  return fail(rocksdb_error(row->status(), "can't read what is to be erased"));
}

Result<void> EnvelopeTable::write(rocksdb::WriteBatch& batch, const Append& append, bool synced) {
  if (auto done = put(batch, append); !done) return done;
  const std::lock_guard lock(mutex_);
  if (!append.erased.empty()) {
    batch.Put(families_.settings, slice(kUnpurgedKey), {});
    for (const KeyId& key : append.erased) widen(unpurged_, key.value);
  }
  rocksdb::WriteOptions options;
  options.sync = synced;
  const auto status = db_.Write(options, &batch);
  if (status.ok()) return {};
  return fail(
      Errc::outcome_unknown,
      "writing to the log failed, and nobody knows what reached the disk: " + status.ToString());
}

Result<void> EnvelopeTable::clear(rocksdb::WriteBatch& batch) {
  // Both prefixes end with a sign that has a next one, so that a range can end right behind them.
  constexpr std::string_view kBehindDue = "due0";
  constexpr std::string_view kBehindKeys = "key`";
  const std::unique_ptr<rocksdb::Iterator> row(db_.NewIterator({}, families_.envelopes));
  row->SeekToFirst();
  const bool is_empty = !row->Valid() && row->status().ok();
  batch.DeleteRange(families_.settings, slice(kDuePrefix), slice(kBehindDue));
  batch.DeleteRange(families_.envelopes, slice(kFirstKey), slice(kBehindKeys));
  const std::lock_guard lock(mutex_);
  if (!is_empty) {
    batch.Put(families_.settings, slice(kUnpurgedKey), {});
    unpurged_.emplace(std::string(kFirstKey), std::string(kLastKey));
  }
  const auto status = db_.Write({}, &batch);
  if (status.ok()) return {};
  return fail(rocksdb_error(status, "can't empty the copy of the values"));
}

Result<void> EnvelopeTable::put(rocksdb::WriteBatch& batch, const Append& append) const {
  std::unordered_set<std::string_view> settled;  // Keys of which the batch says all already.
  for (const KeyId& key : append.erased) {
    if (!settled.insert(key.value).second) continue;
    if (auto done = erase(batch, key); !done) {
      return fail(Errc::unavailable, done.error().message);
    }
  }
  // Of several for one key the last counts.
  for (const Envelope& envelope : append.envelopes | std::views::reverse) {
    if (!settled.insert(envelope.key.value).second) continue;
    if (auto done = erase(batch, envelope.key); !done) {
      return fail(Errc::unavailable, done.error().message);
    }
    batch.Put(families_.envelopes, envelope.key.value, envelope_row(envelope));
    if (envelope.erase_after) {
      batch.Put(families_.settings, due_key(*envelope.erase_after, envelope.key), {});
    }
  }
  return {};
}

/// Adds to `batch` what takes the envelope of `key` away, and its date of erasure.
Result<void> EnvelopeTable::erase(rocksdb::WriteBatch& batch, const KeyId& key) const {
  const auto old = find(key);
  if (!old) return fail(old.error());
  if (!*old) return {};
  batch.Delete(families_.envelopes, key.value);
  if ((*old)->erase_after) batch.Delete(families_.settings, due_key(*(*old)->erase_after, key));
  return {};
}

void EnvelopeTable::widen(std::optional<KeyRange>& range, const std::string& key) {
  if (!range) {
    range.emplace(key, key);
  } else if (key < range->first) {
    range->first = key;
  } else if (key > range->last) {
    range->last = key;
  }
}

Result<bool> EnvelopeTable::purge() {
  std::optional<KeyRange> keys;
  {
    const std::lock_guard lock(mutex_);
    keys.swap(unpurged_);
  }
  if (!keys) return false;
  if (auto rewritten = rewrite(*keys); !rewritten) {
    const std::lock_guard lock(mutex_);
    widen(unpurged_, keys->first);
    widen(unpurged_, keys->last);
    return fail(std::move(rewritten.error()));
  }
  const std::lock_guard lock(mutex_);
  if (unpurged_) return true;  // Others were erased meanwhile: the mark is theirs now.
  const auto status = db_.Delete({}, families_.settings, slice(kUnpurgedKey));
  if (!status.ok()) return fail(rocksdb_error(status, "can't note that erased values are gone"));
  return true;
}

/// Erased rows leave memory and write-ahead log by a flush, and the files that hold the rows proper
/// by a compaction down to the last level.
Result<void> EnvelopeTable::rewrite(const KeyRange& keys) {
  auto status = db_.Flush({}, families_.all);
  if (!status.ok()) return fail(rocksdb_error(status, "can't flush erased values"));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  const rocksdb::Slice first(keys.first);
  const rocksdb::Slice last(keys.last);
  status = db_.CompactRange(options, families_.envelopes, &first, &last);
  if (!status.ok())
    return fail(rocksdb_error(status, "can't rewrite what lies around erased values"));
  return {};
}

}  // namespace keyledger::log
