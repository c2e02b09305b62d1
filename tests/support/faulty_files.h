#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace keyledger {

/// The machine's files, of which the n-th operation that changes something fails: making, writing,
/// cutting, renaming, linking, deleting and syncing files, and syncing directories. A write that
/// fails has written the first half. Syncing does nothing else: the machine goes on, and the tests
/// needn't wait for its disk. Thread safety: all members, from any thread.
class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault {
    once,      ///< The n-th operation alone.
    for_good,  ///< And all that follow.
  };

  /// The n for files none of which fails.
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  FaultyFiles(std::uint64_t n, Fault fault)
      : FileSystemWrapper(rocksdb::FileSystem::Default()),
        first_(n),
        last_(fault == Fault::once ? n : kNone) {}

  const char* Name() const override { return "FaultyFiles"; }

  /// Whether an operation has failed.
  bool has_failed() const { return operations_.load() > first_; }

  /// Counts an operation. Not OK if it is to fail.
  rocksdb::IOStatus next() {
    const std::uint64_t number = operations_.fetch_add(1);
    const bool fails = number >= first_ && number <= last_;
    return fails ? rocksdb::IOStatus::IOError("this operation was made to fail")
                 : rocksdb::IOStatus::OK();
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override;

 private:
  const std::uint64_t first_;
  const std::uint64_t last_;
  std::atomic<std::uint64_t> operations_{0};
};

}  // namespace keyledger
