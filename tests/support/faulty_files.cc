#include "tests/support/faulty_files.h"

#include <utility>

namespace keyledger {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, FaultyFiles& files)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    if (auto fault = files_.next(); !fault.ok()) {
      const Slice half(data.data(), data.size() / 2);
      const auto written = target()->Append(half, options, context);
      return written.ok() ? fault : written;
    }
    return target()->Append(data, options, context);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options,
                    IODebugContext* context) override {
    auto fault = files_.next();
    return fault.ok() ? target()->Truncate(size, options, context) : fault;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* context) override {
    // The file is closed all the same, as the kernel does it.
    auto fault = files_.next();
    auto closed = target()->Close(options, context);
    return fault.ok() ? closed : fault;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return files_.next(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.next(); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return files_.next();
  }

 private:
  FaultyFiles& files_;
};

class FaultyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(std::unique_ptr<rocksdb::FSDirectory>&& directory, FaultyFiles& files)
      : FSDirectoryWrapper(std::move(directory)), files_(files) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.next(); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    return files_.next();
  }

 private:
  FaultyFiles& files_;
};

}  // namespace

IOStatus FaultyFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      IODebugContext* context) {
  if (auto fault = next(); !fault.ok()) return fault;
  std::unique_ptr<rocksdb::FSWritableFile> sound;
  auto opened = target()->NewWritableFile(name, options, &sound, context);
  if (opened.ok()) *file = std::make_unique<FaultyFile>(std::move(sound), *this);
  return opened;
}

IOStatus FaultyFiles::NewDirectory(const std::string& name, const IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* directory,
                                   IODebugContext* context) {
  std::unique_ptr<rocksdb::FSDirectory> sound;
  auto opened = target()->NewDirectory(name, options, &sound, context);
  if (opened.ok()) *directory = std::make_unique<FaultyDirectory>(std::move(sound), *this);
  return opened;
}

IOStatus FaultyFiles::CreateDirIfMissing(const std::string& name, const IOOptions& options,
                                         IODebugContext* context) {
  auto fault = next();
  return fault.ok() ? target()->CreateDirIfMissing(name, options, context) : fault;
}

IOStatus FaultyFiles::DeleteFile(const std::string& name, const IOOptions& options,
                                 IODebugContext* context) {
  auto fault = next();
  return fault.ok() ? target()->DeleteFile(name, options, context) : fault;
}

IOStatus FaultyFiles::RenameFile(const std::string& from, const std::string& to,
                                 const IOOptions& options, IODebugContext* context) {
  auto fault = next();
  return fault.ok() ? target()->RenameFile(from, to, options, context) : fault;
}

IOStatus FaultyFiles::LinkFile(const std::string& from, const std::string& to,
                               const IOOptions& options, IODebugContext* context) {
  auto fault = next();
  return fault.ok() ? target()->LinkFile(from, to, options, context) : fault;
}

}  // namespace keyledger
