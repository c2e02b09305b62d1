// Changes the embedded log of a data directory on which no node runs, as somebody does who has its
// disk and RocksDB at hand, and wants nobody to notice: what is left has positions without gaps.
// usage: change_history DATA_DIR flip POSITION TEXT   the lowest bit of the first letter of TEXT,
// in
//                                                     the event at POSITION
//        change_history DATA_DIR swap POSITION POSITION
//        change_history DATA_DIR cut POSITION         off the second half of that event
//        change_history DATA_DIR remove POSITION
//        change_history DATA_DIR shorten POSITION     to the event at POSITION as the last

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/db.h>

#include "events/log/embedded/event_rows.h"

namespace {

using keyledger::Position;

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

/// The log's database, with everything that is in it.
class History {
 public:
  explicit History(const std::string& directory) {
    std::vector<std::string> names;
    check(rocksdb::DB::ListColumnFamilies({}, directory, &names));
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names)
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    check(rocksdb::DB::Open({}, directory, families, &handles, &db));
    db_.reset(db);
    for (std::size_t i = 0; i < names.size(); ++i) {
      handles_.emplace_back(handles[i]);
      if (names[i] == "events") events_ = handles[i];
    }
    if (events_ == nullptr) throw std::runtime_error("there is no log in " + directory);
    const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}, events_));
    for (row->SeekToFirst(); row->Valid(); row->Next()) bytes.push_back(row->value().ToString());
  }

  /// Writes `bytes` in the place of all that there is.
  void write() {
    rocksdb::WriteBatch batch;
    const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}, events_));
    for (row->SeekToFirst(); row->Valid(); row->Next()) batch.Delete(events_, row->key());
    Position position;
    for (const std::string& event : bytes) {
      ++position.value;
      batch.Put(events_, keyledger::log::event_key(position), event);
    }
    rocksdb::WriteOptions synced;
    synced.sync = true;
    check(db_->Write(synced, &batch));
  }

  std::string& at(const char* position) {
    return bytes.at(std::strtoull(position, nullptr, 10) - 1);
  }

  std::vector<std::string> bytes;  ///< The event at position 1 first.

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>> handles_;
  rocksdb::ColumnFamilyHandle* events_ = nullptr;
};

bool change(History& history, const std::vector<std::string>& words) {
  const std::string& how = words.at(0);
  if (how == "flip" && words.size() == 3) {
    std::string& event = history.at(words[1].c_str());
    char& letter = event.at(event.find(words[2]));
    letter = static_cast<char>(letter ^ 1);
  } else if (how == "swap" && words.size() == 3) {
    std::swap(history.at(words[1].c_str()), history.at(words[2].c_str()));
  } else if (how == "cut" && words.size() == 2) {
    std::string& event = history.at(words[1].c_str());
    event.resize(event.size() / 2);
  } else if (how == "remove" && words.size() == 2) {
    history.bytes.erase(history.bytes.begin() +
                        (&history.at(words[1].c_str()) - history.bytes.data()));
  } else if (how == "shorten" && words.size() == 2) {
    history.bytes.resize(std::strtoull(words[1].c_str(), nullptr, 10));
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    History history(std::string(argv[1]) + "/log");
    if (!change(history, {argv + 2, argv + argc})) return 2;
    history.write();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "change_history: %s\n", error.what());
    return 1;
  }
}
