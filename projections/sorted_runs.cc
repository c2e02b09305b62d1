#include "projections/sorted_runs.h"

#include <algorithm>
#include <utility>

#include <rocksdb/sst_file_writer.h>

namespace keyledger::projections {
namespace {

/// What is collected of a family before it becomes a table.
constexpr std::size_t kRunBytes = std::size_t{32} << 20U;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

std::uint64_t prefix_of(std::string_view key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof(prefix); ++i) {
    prefix = prefix << 8U | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
  }
  return prefix;
}

}  // namespace

/// Rows of one key keep the order in which they were added, which is that of their offsets.
bool SortedRuns::Run::precedes(const Row& left, const Row& right) const {
  if (left.prefix != right.prefix) return left.prefix < right.prefix;
  const int order = key(left).compare(key(right));
  return order != 0 ? order < 0 : left.offset < right.offset;
}

SortedRuns::SortedRuns(rocksdb::DB& db, std::filesystem::path directory)
    : db_(db), directory_(std::move(directory)) {}

SortedRuns::~SortedRuns() {
  if (writing_.valid()) writing_.wait();
}

rocksdb::Status SortedRuns::add(rocksdb::ColumnFamilyHandle& family, std::string_view key,
                                const std::optional<std::string>& value) {
  Run& run = run_of(family);
  const std::size_t row_bytes = key.size() + (value ? value->size() : 0);
  rocksdb::Status status;
  if (run.bytes.size() + row_bytes > kRunBytes) status = hand_over(run);
  run.rows.push_back({prefix_of(key), static_cast<std::uint32_t>(run.bytes.size()),
                      static_cast<std::uint32_t>(key.size()),
                      value ? static_cast<std::uint32_t>(value->size()) : kRemoved});
  run.bytes.append(key);
  if (value) run.bytes.append(*value);
  return status;
}

rocksdb::Status SortedRuns::flush() {
  for (Run& run : runs_) {
    if (auto status = hand_over(run); !status.ok()) return status;
  }
  return writing_.valid() ? writing_.get() : rocksdb::Status::OK();
}

SortedRuns::Run& SortedRuns::run_of(rocksdb::ColumnFamilyHandle& family) {
  const auto run = std::ranges::find(runs_, &family, &Run::family);
  if (run != runs_.end()) return *run;
  runs_.push_back({&family, {}, {}});
  runs_.back().bytes.reserve(kRunBytes);
  return runs_.back();
}

/// Lets the table of `run`'s rows be written, and empties it. Waits for the table before.
rocksdb::Status SortedRuns::hand_over(Run& run) {
  if (writing_.valid()) {
    if (auto status = writing_.get(); !status.ok()) return status;
  }
  if (run.rows.empty()) return rocksdb::Status::OK();
  Run full{run.family, {}, {}};
  full.bytes.reserve(kRunBytes);
  full.rows.reserve(run.rows.size());
  std::swap(full, run);
  const std::string file = directory_ / (std::to_string(++tables_) + ".run");
  writing_ = std::async(std::launch::async, [this, file, full = std::move(full)]() mutable {
    return write_table(full, file);
  });
  return rocksdb::Status::OK();
}

rocksdb::Status SortedRuns::write_table(Run& run, const std::string& file) const {
  const auto precedes = [&](const Row& left, const Row& right) {
    return run.precedes(left, right);
  };
  if (!std::ranges::is_sorted(run.rows, precedes)) std::ranges::sort(run.rows, precedes);

  rocksdb::SstFileWriter table({}, db_.GetOptions(run.family), run.family,
                               /*invalidate_page_cache=*/false);
  rocksdb::Status status = table.Open(file);
  for (std::size_t i = 0; i < run.rows.size() && status.ok(); ++i) {
    const Row& row = run.rows[i];
    const auto key = run.key(row);
    if (i + 1 < run.rows.size() && run.key(run.rows[i + 1]) == key) continue;
    status = row.value_bytes == kRemoved ? table.Delete(slice(key))
                                         : table.Put(slice(key), slice(run.value(row)));
  }
  if (status.ok()) status = table.Finish();
  if (!status.ok()) return status;
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  return db_.IngestExternalFile(run.family, {file}, options);
}

}  // namespace keyledger::projections
