#include "events/log/kafka/secrets_store.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "events/log/envelopes/rocks.h"
#include "events/log/envelopes/rows.h"

namespace keyledger::log::kafka {
namespace {

/// Its row names the format too: another one has another row.
constexpr std::string_view kBookmarkKey = "bookmark/1";
constexpr std::size_t kMaxWalBytes = std::size_t{64} << 20U;

enum Family : std::size_t { settings, sealed, families };
constexpr std::array<const char*, families> kFamilies = {"default", "envelopes"};

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors() {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const char* name : kFamilies) {
    rocksdb::ColumnFamilyOptions options;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.compression = rocksdb::kLZ4Compression;
    descriptors.emplace_back(name, options);
  }
  return descriptors;
}

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_total_wal_size = kMaxWalBytes;
  options.info_log = make_no_logger();
  return options;
}

std::string bookmark_row(const Bookmark& bookmark) {
  std::string row;
  append_number(row, static_cast<std::uint64_t>(bookmark.next));
  append_number(row, static_cast<std::uint64_t>(bookmark.at_end.time_since_epoch().count()));
  return row;
}

std::optional<Bookmark> read_bookmark_row(std::string_view row) {
  if (row.size() != 2 * kNumberBytes) return std::nullopt;
  const auto number = [&](std::size_t index) {
    return static_cast<std::int64_t>(read_number(row.substr(index * kNumberBytes, kNumberBytes)));
  };
  return Bookmark{.next = number(0), .at_end = Instant{std::chrono::microseconds{number(1)}}};
}

}  // namespace

struct SecretsStore::Database {
  std::unique_ptr<rocksdb::DB> db;
  std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle>, families> handles;
  std::optional<EnvelopeTable> envelopes;

  ~Database() {
    envelopes.reset();
    for (auto& handle : handles) handle.reset();
  }

  static rocksdb::Status open(const std::filesystem::path& directory,
                              std::unique_ptr<Database>& opened) {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const auto status = rocksdb::DB::Open(database_options(), directory.string(),
                                          family_descriptors(), &handles, &db);
    if (!status.ok()) return status;
    opened = std::make_unique<Database>();
    opened->db.reset(db);
    for (std::size_t i = 0; i < families; ++i) opened->handles[i].reset(handles[i]);
    opened->envelopes.emplace(*db,
                              EnvelopeTable::Families{handles[settings], handles[sealed], handles});
    return status;
  }

  /// Nothing where there is none that can be read.
  std::optional<Bookmark> bookmark() const {
    std::string row;
    const auto status = db->Get({}, handles[settings].get(), slice(kBookmarkKey), &row);
    return status.ok() ? read_bookmark_row(row) : std::nullopt;
  }
};

Result<std::unique_ptr<SecretsStore>> SecretsStore::open(const std::filesystem::path& directory) {
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  if (ec) {
    return fail(Errc::io, "can't make the directory " + directory.string() + ": " + ec.message());
  }
  std::unique_ptr<Database> database;
  auto status = Database::open(directory, database);
  if (is_somebody_elses_lock(status)) {
    return fail(Errc::locked, "another process keeps its values in " + directory.string() +
                                  ": stop it first, or name another directory");
  }
  if (!status.ok()) {
    rocksdb::Options options;
    options.info_log = make_no_logger();
    status = rocksdb::DestroyDB(directory.string(), options, family_descriptors());
    if (status.ok()) status = Database::open(directory, database);
  }
  if (!status.ok()) {
    return fail(rocksdb_error(status, "can't open the copy of the values " + directory.string()));
  }
  const Bookmark bookmark = database->bookmark().value_or(Bookmark{});
  return std::unique_ptr<SecretsStore>(new SecretsStore(std::move(database), bookmark));
}

SecretsStore::SecretsStore(std::unique_ptr<Database> database, const Bookmark& bookmark)
    : database_(std::move(database)), bookmark_(bookmark) {}

SecretsStore::~SecretsStore() = default;

EnvelopeTable& SecretsStore::envelopes() { return *database_->envelopes; }

Result<void> SecretsStore::write(const Append& append, const Bookmark& bookmark) {
  rocksdb::WriteBatch batch;
  batch.Put(database_->handles[settings].get(), slice(kBookmarkKey), bookmark_row(bookmark));
  auto done = envelopes().write(batch, append, /*synced=*/false);
  if (!done) return fail(Errc::io, std::move(done.error().message));
  bookmark_ = bookmark;
  return {};
}

Result<void> SecretsStore::clear(const Bookmark& bookmark) {
  rocksdb::WriteBatch batch;
  batch.Put(database_->handles[settings].get(), slice(kBookmarkKey), bookmark_row(bookmark));
  auto done = envelopes().clear(batch);
  if (done) bookmark_ = bookmark;
  return done;
}

}  // namespace keyledger::log::kafka
