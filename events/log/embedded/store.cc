#include "events/log/embedded/store.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include "events/log/embedded/event_rows.h"
#include "events/log/embedded/wal_check.h"
#include "events/log/envelopes/envelope_table.h"
#include "events/log/envelopes/rocks.h"

namespace keyledger::log {
namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "1";
constexpr std::size_t kReadBytes = std::size_t{1} << 20U;
/// What an opening has to check and replay at most. Without a bound, families that get few rows
/// keep RocksDB's write-ahead logs alive long after the events of them lie in tables.
constexpr std::size_t kMaxWalBytes = std::size_t{128} << 20U;
/// How often a reader tries again when the writer replaced files while it was opening them.
constexpr int kOpenAttempts = 5;

enum Family : std::size_t { settings, events, sealed, families };
constexpr std::array<const char*, families> kFamilies = {"default", "events", "envelopes"};

enum class Recovery { drop_torn_tail, stop_at_damage };

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

rocksdb::DBOptions database_options(Recovery recovery) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.max_total_wal_size = kMaxWalBytes;
  // An older write-ahead log that is cut off or gone is damage. Readers need it too: without it,
  // RocksDB 7.8 aborts when a log that has an older one is opened for reading.
  options.track_and_verify_wals_in_manifest = true;
  options.wal_recovery_mode = recovery == Recovery::drop_torn_tail
                                  ? rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords
                                  : rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.info_log = make_no_logger();
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors() {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const char* name : kFamilies) {
    rocksdb::ColumnFamilyOptions options;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.compression = rocksdb::kLZ4Compression;
    options.paranoid_file_checks = true;
    if (name == kFamilies[sealed]) {
      // A new key has no envelope yet, and that is looked for each time.
      options.memtable_prefix_bloom_size_ratio = 0.02;
      options.memtable_whole_key_filtering = true;
    }
    descriptors.emplace_back(name, options);
  }
  return descriptors;
}

Error damaged_after(Position last, const std::string& why) {
  return {Errc::damaged,
          "the log is damaged after position " + std::to_string(last.value) + " (" + why +
              "): restore the data directory from a backup",
          {}};
}

}  // namespace

struct Store::Database {
  std::unique_ptr<rocksdb::DB> db;
  std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle>, families> handles;
  std::optional<EnvelopeTable> envelopes;

  ~Database() {
    envelopes.reset();
    for (auto& handle : handles) handle.reset();
  }

  rocksdb::ColumnFamilyHandle* family(Family which) const { return handles[which].get(); }

  enum class Mode { write, read };

  static std::pair<rocksdb::Status, std::unique_ptr<Database>> open(
      const std::filesystem::path& directory, Mode mode, Recovery recovery,
      rocksdb::Env* env = nullptr) {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DBOptions options = database_options(recovery);
    if (env != nullptr) options.env = env;
    const rocksdb::Status status =
        mode == Mode::write
            ? rocksdb::DB::Open(options, directory.string(), family_descriptors(), &handles, &db)
            : rocksdb::DB::OpenForReadOnly(options, directory.string(), family_descriptors(),
                                           &handles, &db);
    if (!status.ok()) return {status, nullptr};
    auto database = std::make_unique<Database>();
    database->db.reset(db);
    for (std::size_t i = 0; i < families; ++i) database->handles[i].reset(handles[i]);
    database->envelopes.emplace(
        *db, EnvelopeTable::Families{handles[settings], handles[sealed], handles});
    return {status, std::move(database)};
  }

  /// Errors: as check_wals(), with the last position that is whole.
  static Result<void> check_wals_of(const std::filesystem::path& directory) {
    auto checked = check_wals(directory);
    if (checked || checked.error().code != Errc::damaged) return checked;
    const auto whole = open(directory, Mode::read, Recovery::stop_at_damage).second;
    if (!whole) return checked;
    return fail(damaged_after(whole->last_whole(), checked.error().message));
  }

  /// The last event up to which all can be read.
  Position last_whole() const {
    const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator({}, family(events)));
    Position last;
    for (row->SeekToFirst(); row->Valid(); row->Next()) {
      const Position next{last.value + 1};
      if (read_event_key(row->key().ToStringView()) != next) break;
      last = next;
    }
    return last;
  }

  Result<Position> end() const {
    const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator({}, family(events)));
    row->SeekToLast();
    if (row->status().IsCorruption()) {
      return fail(damaged_after(last_whole(), row->status().ToString()));
    }
    if (!row->status().ok()) return fail(rocksdb_error(row->status(), "can't read the log's end"));
    if (!row->Valid()) return Position{};
    const auto position = read_event_key(row->key().ToStringView());
    if (!position) return fail(Errc::damaged, "the log's last row has no position for a key");
    return *position;
  }

  /// Whether the log ends before its first record, which is the format.
  bool is_unwritten() const {
    std::string format;
    const auto status = db->Get({}, family(settings), slice(kFormatKey), &format);
    return status.IsNotFound() && end() == Position{};
  }

  Result<void> check_format() const {
    std::string format;
    const auto status = db->Get({}, family(settings), slice(kFormatKey), &format);
    if (!status.ok()) return fail(rocksdb_error(status, "can't read the log's format"));
    if (format == kFormat) return {};
    return fail(Errc::incompatible, "the log has format " + format +
                                        ", and this program reads format " + std::string(kFormat) +
                                        ": it needs another version of keyledger");
  }
};

Store::Store(std::unique_ptr<Database> database, Position end)
    : database_(std::move(database)), end_at_opening_(end) {}

Store::~Store() = default;

namespace {

/// Whether RocksDB's list of files is there. Without one, RocksDB would begin a new log and delete
/// the files of the old one.
///
/// Errors: damaged (there are files of a log, and no list of them).
Result<bool> has_log(const std::filesystem::path& directory) {
  std::error_code ec;
  std::string file;  // Looked for first: whoever begins a log makes the list before these.
  for (auto entry = std::filesystem::directory_iterator(directory, ec);
       !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec)) {
    const auto extension = entry->path().extension();
    if (extension == ".sst" || extension == ".log") file = entry->path().filename();
  }
  if (std::filesystem::exists(directory / "CURRENT", ec)) return true;
  if (file.empty()) return false;
  return fail(damaged_after(Position{}, "there is " + file + ", and no file CURRENT"));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory,
                                           rocksdb::Env* env) {
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  if (ec) {
    return fail(Errc::io, "can't make the directory " + directory.string() + ": " + ec.message());
  }
  if (auto looked = has_log(directory); !looked) return fail(std::move(looked.error()));
  // RocksDB takes some damage for a torn tail and drops it: so it is looked for before.
  if (auto checked = Database::check_wals_of(directory);
      !checked && checked.error().code != Errc::io) {
    return fail(std::move(checked.error()));
  }
  auto [status, database] =
      Database::open(directory, Database::Mode::write, Recovery::drop_torn_tail, env);
  if (is_somebody_elses_lock(status)) {
    return fail(Errc::locked, "another process serves " + directory.string() +
                                  ": stop it first, or name another --data-dir");
  }
  if (!status.ok()) return fail(rocksdb_error(status, "can't open the log " + directory.string()));
  if (database->is_unwritten()) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    status =
        database->db->Put(synced, database->family(settings), slice(kFormatKey), slice(kFormat));
    if (!status.ok()) return fail(rocksdb_error(status, "can't write to " + directory.string()));
  }
  if (auto known = database->check_format(); !known) return fail(std::move(known.error()));
  const auto end = database->end();
  if (!end) return fail(end.error());
  return std::unique_ptr<Store>(new Store(std::move(database), *end));
}

Result<std::unique_ptr<Store>> Store::open_for_reading(const std::filesystem::path& directory) {
  const auto found = has_log(directory);
  if (!found) return fail(found.error());
  if (!*found) return fail(Errc::not_found, "there is no log in " + directory.string());
  std::pair<rocksdb::Status, std::unique_ptr<Database>> opened;
  Result<void> checked;
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    checked = Database::check_wals_of(directory);
    opened = Database::open(directory, Database::Mode::read, Recovery::drop_torn_tail);
    if (checked && opened.first.ok()) break;
  }
  if (!checked) return fail(checked.error());
  if (!opened.first.ok()) {
    return fail(rocksdb_error(opened.first, "can't read the log " + directory.string()));
  }
  if (opened.second->is_unwritten()) {
    return fail(Errc::not_found, "there is no log yet in " + directory.string());
  }
  if (auto known = opened.second->check_format(); !known) return fail(std::move(known.error()));
  const auto end = opened.second->end();
  if (!end) return fail(end.error());
  return std::unique_ptr<Store>(new Store(std::move(opened.second), *end));
}

Result<std::vector<StoredEvent>> Store::read(Position position, Position end,
                                             std::size_t max) const {
  std::vector<StoredEvent> found;
  if (position >= end || max == 0) return found;
  const std::string bound = event_key(Position{end.value + 1});
  const rocksdb::Slice upper(bound);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  options.readahead_size = kReadBytes;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> row(
      database_->db->NewIterator(options, database_->family(events)));
  Position expected{position.value + 1};
  std::size_t bytes = 0;
  for (row->Seek(event_key(expected)); expected <= end && found.size() < max; row->Next()) {
    const bool is_there = row->Valid() && read_event_key(row->key().ToStringView()) == expected;
    if (!is_there) {
      // What lies before the damage is given first, by itself.
      if (!found.empty()) return found;
      const std::string why =
          row->status().ok() ? "the event is missing" : row->status().ToString();
      return fail(Errc::damaged, "the log is damaged at position " +
                                     std::to_string(expected.value) + " (" + why +
                                     "): restore the data directory from a backup");
    }
    bytes += row->value().size();
    if (bytes > kReadBytes && !found.empty()) return found;
    found.push_back({expected, row->value().ToString()});
    ++expected.value;
  }
  return found;
}

Result<std::optional<Envelope>> Store::envelope(const KeyId& key) const {
  return database_->envelopes->find(key);
}

Result<std::vector<KeyId>> Store::envelopes_due(Instant now, std::size_t max) const {
  return database_->envelopes->due(now, max);
}

Result<void> Store::back_up(const std::filesystem::path& directory) const {
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(database_->db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory.string());
  if (status.ok()) return {};
  return fail(rocksdb_error(status, "can't copy the log to " + directory.string()));
}

Result<void> Store::write(const Append& append, Position first) {
  rocksdb::WriteBatch batch;
  for (const std::string& event : append.events) {
    batch.Put(database_->family(events), event_key(first), event);
    ++first.value;
  }
  return database_->envelopes->write(batch, append, /*synced=*/true);
}

Result<bool> Store::purge() { return database_->envelopes->purge(); }

}  // namespace keyledger::log
