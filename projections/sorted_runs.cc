#include "projections/sorted_runs.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <rocksdb/sst_file_writer.h>

namespace keyledger::projections {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

/// Eight bytes of `key` from `offset` on, as a number that sorts as they do.
std::uint64_t number_at(std::string_view key, std::size_t offset) {
  std::uint64_t number = 0;
  for (std::size_t i = offset; i < offset + sizeof(number); ++i) {
    number = number << 8U | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  }
  return number;
}

/// A row to be sorted, with the bytes of its key that most comparisons need no more than.
struct Place {
  std::uint64_t first;
  std::uint64_t second;
  std::string_view key;
  std::uint32_t row;  ///< Its number, by which rows of one key keep their order.

  bool operator<(const Place& other) const {
    if (first != other.first) return first < other.first;
    if (second != other.second) return second < other.second;
    const int order = key.compare(other.key);
    return order != 0 ? order < 0 : row < other.row;
  }
};

/// How many bytes all keys begin with alike.
std::size_t common_bytes(const std::vector<Place>& places) {
  const std::string_view first = places.front().key;
  std::size_t common = first.size();
  for (const Place& place : places) {
    const auto [end, ignored] = std::ranges::mismatch(first.substr(0, common), place.key);
    common = static_cast<std::size_t>(end - first.begin());
  }
  return common;
}

}  // namespace

std::size_t SortedRuns::max_bytes(Use use) const {
  return use == Use::find ? limits_.findable_run_bytes : limits_.run_bytes;
}

void SortedRuns::begin(Run& run) const {
  run.bytes = {};
  run.bytes.reserve(max_bytes(run.use));  // An address range, until it is written to.
  run.rows = {};
  run.last_rows = {};
}

SortedRuns::SortedRuns(rocksdb::DB& db, std::filesystem::path directory, std::string name,
                       Limits limits)
    : db_(db), directory_(std::move(directory)), name_(std::move(name)), limits_(limits) {}

SortedRuns::~SortedRuns() {
  if (writing_.valid()) writing_.wait();
}

rocksdb::Status SortedRuns::add(rocksdb::ColumnFamilyHandle& family, Use use, std::string_view key,
                                std::optional<std::string_view> value) {
  Run& run = run_of(family, use);
  const std::size_t row_bytes = key.size() + (value ? value->size() : 0);
  rocksdb::Status status;
  if (run.bytes.size() + row_bytes > run.bytes.capacity()) {
    status = hand_over(run);
    if (!status.ok()) return status;
    run.bytes.reserve(row_bytes);  // Of a row that is larger than a run.
  }
  const Row row{static_cast<std::uint32_t>(run.bytes.size()),
                static_cast<std::uint32_t>(key.size()),
                value ? static_cast<std::uint32_t>(value->size()) : kRemoved};
  run.rows.push_back(row);
  run.bytes.append(key);
  if (value) run.bytes.append(*value);
  if (use == Use::find) run.last_rows.insert_or_assign(run.key(row), row);
  return status;
}

SortedRuns::Found SortedRuns::find(const rocksdb::ColumnFamilyHandle& family,
                                   std::string_view key) const {
  const auto find_in = [key](const Run& run) -> Found {
    const auto row = run.last_rows.find(key);
    if (row == run.last_rows.end()) return {.is_known = run.has_all, .value = {}};
    if (row->second.value_bytes == kRemoved) return {.is_known = true, .value = {}};
    return {.is_known = true, .value = run.value(row->second)};
  };
  const auto run = std::ranges::find(runs_, &family, &Run::family);
  if (run == runs_.end()) return {.is_known = true, .value = {}};
  if (const Found found = find_in(*run); found.is_known) return found;
  return full_ && full_->family == &family ? find_in(*full_) : Found{};
}

rocksdb::Status SortedRuns::settle(rocksdb::ColumnFamilyHandle& family) {
  const auto run = std::ranges::find(runs_, &family, &Run::family);
  if (run != runs_.end() && run->rows.size() >= limits_.min_table_rows) {
    if (auto status = hand_over(*run); !status.ok()) return status;
  }
  if (auto status = wait_for_table(); !status.ok() || run == runs_.end()) return status;
  auto status = write_rows(*run);
  if (!status.ok()) return status;
  run->has_all = run->has_all && run->rows.empty();
  begin(*run);
  return status;
}

rocksdb::Status SortedRuns::flush() {
  auto status = wait_for_table();
  std::vector<std::future<rocksdb::Status>> tables;
  for (const Run& run : runs_) {
    if (run.rows.empty()) continue;
    tables.push_back(std::async(
        std::launch::async, [this, &run, file = next_file()] { return write_table(run, file); }));
  }
  for (auto& table : tables) {
    auto written = table.get();
    if (status.ok()) status = std::move(written);
  }
  for (Run& run : runs_) {
    run.has_all = false;
    begin(run);
  }
  failure_ = status;
  return status;
}

std::string SortedRuns::next_file() {
  return directory_ / (name_ + std::to_string(++tables_) + ".run");
}

SortedRuns::Run& SortedRuns::run_of(rocksdb::ColumnFamilyHandle& family, Use use) {
  const auto run = std::ranges::find(runs_, &family, &Run::family);
  if (run != runs_.end()) return *run;
  runs_.push_back({&family, use, true, {}, {}, {}});
  begin(runs_.back());
  return runs_.back();
}

rocksdb::Status SortedRuns::wait_for_table() {
  if (!writing_.valid()) return failure_;
  failure_ = writing_.get();
  full_.reset();
  return failure_;
}

/// Lets the table of `run`'s rows be written, and empties it. Waits for the table before.
rocksdb::Status SortedRuns::hand_over(Run& run) {
  if (auto status = wait_for_table(); !status.ok()) return status;
  if (run.rows.empty()) return rocksdb::Status::OK();
  full_ = std::make_shared<const Run>(
      std::exchange(run, Run{run.family, run.use, /*has_all=*/false, {}, {}, {}}));
  begin(run);
  writing_ = std::async(std::launch::async, [this, file = next_file(), full = full_] {
    return write_table(*full, file);
  });
  return rocksdb::Status::OK();
}

/// By way of RocksDB's memory, which a table that comes later is newer than as well.
rocksdb::Status SortedRuns::write_rows(const Run& run) const {
  rocksdb::WriteBatch batch;
  for (const Row& row : run.rows) {
    const auto status = row.value_bytes == kRemoved
                            ? batch.Delete(run.family, slice(run.key(row)))
                            : batch.Put(run.family, slice(run.key(row)), slice(run.value(row)));
    if (!status.ok()) return status;
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return db_.Write(options, &batch);
}

rocksdb::Status SortedRuns::write_table(const Run& run, const std::string& file) const {
  std::vector<Place> places;
  places.reserve(run.rows.size());
  for (const Row& row : run.rows) {
    places.push_back({0, 0, run.key(row), static_cast<std::uint32_t>(places.size())});
  }
  const std::size_t common = common_bytes(places);
  for (Place& place : places) {
    place.first = number_at(place.key, common);
    place.second = number_at(place.key, common + sizeof(place.first));
  }
  if (!std::ranges::is_sorted(places, std::less{})) std::ranges::sort(places, std::less{});

  rocksdb::SstFileWriter table({}, db_.GetOptions(run.family), run.family,
                               /*invalidate_page_cache=*/false);
  rocksdb::Status status = table.Open(file);
  for (std::size_t i = 0; i < places.size() && status.ok(); ++i) {
    const Place& place = places[i];
    if (i + 1 < places.size() && places[i + 1].key == place.key) continue;
    const Row& row = run.rows[place.row];
    status = row.value_bytes == kRemoved ? table.Delete(slice(place.key))
                                         : table.Put(slice(place.key), slice(run.value(row)));
  }
  if (status.ok()) status = table.Finish();
  if (!status.ok()) return status;
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  return db_.IngestExternalFile(run.family, {file}, options);
}

}  // namespace keyledger::projections
