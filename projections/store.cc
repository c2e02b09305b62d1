#include "projections/store.h"

#include <cstdarg>
#include <deque>
#include <future>
#include <memory>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include "projections/sorted_runs.h"

namespace keyledger::projections {
namespace {

constexpr std::array<const char*, kFamilies> kNames = {"default",
                                                       "keys",
                                                       "grants",
                                                       "accounts",
                                                       "history",
                                                       "history_by_account",
                                                       "history_by_subject",
                                                       "history_by_digest",
                                                       "idempotency",
                                                       "idempotency_by_time",
                                                       "commands",
                                                       "tiles",
                                                       "tile_positions"};
/// How often a reader tries again when the writer replaced files while it was opening them.
constexpr int kOpenAttempts = 5;
constexpr std::size_t kWriteBufferBytes = std::size_t{32} << 20U;
/// What an opening has to replay at most.
constexpr std::size_t kMaxWalBytes = std::size_t{128} << 20U;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

bool is_somebody_elses_lock(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("lock hold by current process") != text.npos ||
                                text.find("While lock file") != text.npos);
}

Error io_error(const rocksdb::Status& status, const std::string& what) {
  return {status.IsCorruption() ? Errc::damaged : Errc::io, what + ": " + status.ToString(), {}};
}

/// Change::Kind::append: the bytes of operands come behind those of the row.
class Appending final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& input, MergeOperationOutput* output) const override {
    append(input.existing_value, input.operand_list, output->new_value);
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* operand, rocksdb::Logger*) const override {
    append(nullptr, operands, *operand);
    return true;
  }
  const char* Name() const override { return "keyledger.Appending"; }

 private:
  /// All at once: a busy minute has very many operands.
  template <typename Operands>
  static void append(const rocksdb::Slice* before, const Operands& operands, std::string& row) {
    std::size_t bytes = before != nullptr ? before->size() : 0;
    for (const rocksdb::Slice& operand : operands) bytes += operand.size();
    row.clear();
    row.reserve(bytes);
    if (before != nullptr) row.append(before->data(), before->size());
    for (const rocksdb::Slice& operand : operands) row.append(operand.data(), operand.size());
  }
};

/// Whether rows of the family are asked for that may not be there: then it is worth the time of
/// every row that is written to know it without a search.
bool is_looked_up(Family family) {
  return family == Family::keys || family == Family::grants || family == Family::accounts ||
         family == Family::idempotency || family == Family::history_by_digest;
}

/// facts.md: whole-key filters, index and filters in the cache, and no bet on hits: a key that is
/// unknown must cost no more than one that is there.
rocksdb::ColumnFamilyOptions family_options(Family family,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kWriteBufferBytes;
  const bool packs = family != Family::grants && family != Family::tiles;  // Hashes don't.
  options.compression = packs ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  if (is_looked_up(family)) {
    options.memtable_prefix_bloom_size_ratio = 0.1;
    options.memtable_whole_key_filtering = true;
  }
  options.merge_operator = std::make_shared<Appending>();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

/// Drops what RocksDB tells of itself: what matters comes as a status too. RocksDB's own logger
/// writes beside the data, and aborts the program at the second line that a full disk refuses.
class NoLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

namespace {

/// How Mode::bulk writes a family; nothing: as every mode does, for what is small or often scanned.
std::optional<SortedRuns::Use> bulk_use(Family family) {
  if (only_written(family)) return SortedRuns::Use::write_only;
  const bool found_by_key =
      family == Family::keys || family == Family::accounts || family == Family::idempotency;
  return found_by_key ? std::optional(SortedRuns::Use::find) : std::nullopt;
}

std::optional<std::string_view> value_of(const Change& change) {
  if (change.kind == Change::Kind::erase) return std::nullopt;
  return change.value;
}

/// The rows of Mode::bulk that don't go through memtables. Those that nobody reads are added by a
/// thread beside the caller's, a batch behind it.
struct BulkRows {
  BulkRows(rocksdb::DB& db, const std::filesystem::path& directory)
      : written(db, directory, "w", {}), found(db, directory, "f", {}) {}
  ~BulkRows() {
    if (adding.valid()) adding.wait();
  }

  rocksdb::Status wait() { return adding.valid() ? adding.get() : rocksdb::Status::OK(); }

  rocksdb::Status flush() {
    auto others = std::async(std::launch::async, [this] { return found.flush(); });
    auto status = wait();
    if (status.ok()) status = written.flush();
    auto flushed = others.get();
    return status.ok() ? flushed : status;
  }

  SortedRuns written;
  SortedRuns found;
  std::future<rocksdb::Status> adding;  ///< Adds to `written`.
};

}  // namespace

struct Store::Database {
  std::unique_ptr<rocksdb::DB> db;
  std::optional<BulkRows> bulk;  ///< With Mode::bulk.
  std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle>, kFamilies> handles;
  rocksdb::WriteOptions write;

  ~Database() {
    bulk.reset();
    for (auto& handle : handles) handle.reset();
  }

  rocksdb::ColumnFamilyHandle* family(Family which) const {
    return handles[static_cast<std::size_t>(which)].get();
  }

  /// Takes what Mode::bulk writes in its own way out of `changes`. An error may be one of changes
  /// that were added before.
  rocksdb::Status add_in_bulk(std::vector<Change>& changes) {
    if (auto status = bulk->wait(); !status.ok()) return status;
    std::vector<Change> written;
    std::vector<Change> others;
    for (Change& change : changes) {
      const auto use = bulk_use(change.family);
      if (use == SortedRuns::Use::find) {
        const auto status =
            bulk->found.add(*family(change.family), *use, change.key, value_of(change));
        if (!status.ok()) return status;
      } else {
        (use ? written : others).push_back(std::move(change));
      }
    }
    changes = std::move(others);
    bulk->adding = std::async(std::launch::async, [this, written = std::move(written)] {
      rocksdb::Status status;
      for (const Change& change : written) {
        status = bulk->written.add(*family(change.family), SortedRuns::Use::write_only, change.key,
                                   value_of(change));
        if (!status.ok()) break;
      }
      return status;
    });
    return rocksdb::Status::OK();
  }
};

std::string_view family_name(Family family) {
  return family == Family::meta ? "meta" : kNames[static_cast<std::size_t>(family)];
}

bool only_written(Family family) {
  switch (family) {
    case Family::grants:
    case Family::history:
    case Family::history_by_account:
    case Family::history_by_subject:
    case Family::history_by_digest:
      return true;
    case Family::meta:
    case Family::keys:
    case Family::accounts:
    case Family::idempotency:
    case Family::idempotency_by_time:
    case Family::commands:
    case Family::tiles:
    case Family::tile_positions:
      return false;
  }
  return false;
}

Store::Store(std::unique_ptr<Database> database, std::unique_ptr<RowCache> grants)
    : database_(std::move(database)), grants_(std::move(grants)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& directory, Mode mode,
                                           std::size_t cache_bytes, rocksdb::Env* env) {
  std::error_code ec;
  if (mode == Mode::read) {
    if (!std::filesystem::exists(directory / "CURRENT", ec)) {
      return fail(Errc::not_found, "there is no read model in " + directory.string());
    }
  } else {
    std::filesystem::create_directories(directory, ec);
    if (ec) return fail(Errc::io, "can't make " + directory.string() + ": " + ec.message());
  }

  rocksdb::DBOptions options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.info_log = std::make_shared<NoLogger>();
  options.max_background_jobs = 2;
  options.max_total_wal_size = kMaxWalBytes;
  std::unique_ptr<RowCache> grants;
  if (mode == Mode::serve) grants = std::make_unique<RowCache>(cache_bytes / 2);
  const auto cache = rocksdb::NewLRUCache(grants ? cache_bytes / 2 : cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.reserve(kFamilies);
  for (std::size_t i = 0; i < kFamilies; ++i) {
    descriptors.emplace_back(kNames[i], family_options(static_cast<Family>(i), cache));
  }

  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::Status status;
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    status =
        mode == Mode::read
            ? rocksdb::DB::OpenForReadOnly(options, directory.string(), descriptors, &handles, &db)
            : rocksdb::DB::Open(options, directory.string(), descriptors, &handles, &db);
    if (status.ok() || mode != Mode::read) break;
  }
  if (is_somebody_elses_lock(status)) {
    return fail(Errc::locked,
                "another process uses the read model " + directory.string() + ": stop it first");
  }
  if (!status.ok()) {
    return fail(io_error(status, "can't open the read model " + directory.string()));
  }
  auto database = std::make_unique<Database>();
  database->db.reset(db);
  if (mode == Mode::bulk) {
    database->write.disableWAL = true;
    database->bulk.emplace(*database->db, directory);
  }
  for (std::size_t i = 0; i < kFamilies; ++i) database->handles[i].reset(handles[i]);
  return std::unique_ptr<Store>(new Store(std::move(database), std::move(grants)));
}

Result<bool> Store::get(Family family, std::string_view key, rocksdb::PinnableSlice& row) const {
  if (database_->bulk && bulk_use(family) == SortedRuns::Use::find) {
    const auto added = database_->bulk->found.find(*database_->family(family), key);
    if (added.is_known) {
      if (!added.value) return false;
      row.PinSelf(slice(*added.value));
      return true;
    }
  }
  const bool cached = grants_ && family == Family::grants;
  if (cached && grants_->find(key, *row.GetSelf())) {
    row.PinSelf();
    return true;
  }
  const RowCache::Stamp stamp = cached ? grants_->stamp(key) : 0;
  const auto status = database_->db->Get({}, database_->family(family), slice(key), &row);
  if (status.IsNotFound()) return false;
  if (!status.ok())
    return fail(io_error(status, "can't read from " + std::string(family_name(family))));
  if (cached) grants_->insert(key, row.ToStringView(), stamp);
  return true;
}

Result<std::optional<std::string>> Store::get(Family family, std::string_view key) const {
  rocksdb::PinnableSlice row;
  const auto found = get(family, key, row);
  if (!found) return fail(found.error());
  if (!*found) return std::optional<std::string>{};
  return std::optional(row.ToString());
}

Result<void> Store::scan(Family family, std::string_view from, std::string_view to, bool reverse,
                         const Visit& visit) const {
  if (database_->bulk && bulk_use(family) == SortedRuns::Use::find) {
    const auto settled = database_->bulk->found.settle(*database_->family(family));
    if (!settled.ok()) return fail(io_error(settled, "can't write the read model"));
  }
  const rocksdb::Slice lower = slice(from);
  const rocksdb::Slice upper = slice(to);
  rocksdb::ReadOptions options;
  if (!from.empty()) options.iterate_lower_bound = &lower;
  if (!to.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> row(
      database_->db->NewIterator(options, database_->family(family)));
  for (reverse ? row->SeekToLast() : row->SeekToFirst(); row->Valid();
       reverse ? row->Prev() : row->Next()) {
    if (!visit(row->key().ToStringView(), row->value().ToStringView())) return {};
  }
  if (row->status().ok()) return {};
  return fail(io_error(row->status(), "can't read from " + std::string(family_name(family))));
}

Result<void> Store::scan_all(
    const std::function<void(Family, std::string_view, std::string_view)>& visit) const {
  rocksdb::ManagedSnapshot snapshot(database_->db.get());
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.snapshot();
  options.fill_cache = false;
  options.readahead_size = std::size_t{1} << 20U;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    const std::unique_ptr<rocksdb::Iterator> row(
        database_->db->NewIterator(options, database_->family(family)));
    for (row->SeekToFirst(); row->Valid(); row->Next()) {
      visit(family, row->key().ToStringView(), row->value().ToStringView());
    }
    if (!row->status().ok()) {
      return fail(io_error(row->status(), "can't read from " + std::string(family_name(family))));
    }
  }
  return {};
}

Result<void> Store::write(std::vector<Change> changes) {
  if (database_->bulk) {
    const auto added = database_->add_in_bulk(changes);
    if (!added.ok()) return fail(io_error(added, "can't write the read model"));
  }
  rocksdb::WriteBatch batch;
  for (const Change& change : changes) {
    auto* family = database_->family(change.family);
    switch (change.kind) {
      case Change::Kind::put:
        batch.Put(family, change.key, change.value);
        break;
      case Change::Kind::erase:
        batch.Delete(family, change.key);
        break;
      case Change::Kind::append:
        batch.Merge(family, change.key, change.value);
        break;
    }
  }
  const auto status = database_->db->Write(database_->write, &batch);
  // Also after a failure: nobody knows then what can be read.
  for (const Change& change : changes) {
    if (grants_ && change.family == Family::grants) grants_->invalidate(change.key);
  }
  if (status.ok()) return {};
  return fail(io_error(status, "can't write the read model"));
}

Result<void> Store::checkpoint(const std::filesystem::path& directory) const {
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(database_->db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory.string());
  if (status.ok()) return {};
  return fail(io_error(status, "can't copy the read model to " + directory.string()));
}

Result<void> Store::flush() {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  for (const auto& handle : database_->handles) handles.push_back(handle.get());
  auto status = database_->bulk ? database_->bulk->flush() : rocksdb::Status::OK();
  if (status.ok()) status = database_->db->Flush({}, handles);
  if (status.ok()) return {};
  return fail(io_error(status, "can't write the read model"));
}

std::string after_prefix(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && next.back() == '\xff') next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

}  // namespace keyledger::projections
