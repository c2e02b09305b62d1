#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <openssl/crypto.h>

#include "services/security/key_ring.h"

namespace keyledger::security {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 1U << 20U;

std::unexpected<Error> io_error(const fs::path& file, const char* what) {
  const std::error_code reason(errno, std::generic_category());
  return fail(Errc::io, std::string(what) + " " + file.string() + ": " + reason.message());
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

/// A text that is wiped when it goes.
struct SecretText {
  ~SecretText() { OPENSSL_cleanse(text.data(), text.size()); }
  std::string text;
};

bool read_all(int descriptor, std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::read(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return true;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

Result<void> sync_directory(const fs::path& file) {
  const fs::path directory = directory_of(file);
  const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.number()) != 0) {
    return io_error(directory, "cannot sync the directory");
  }
  return {};
}

/// Puts `temporary` in place of `file`; with `exclusive`, only where there is none.
Result<void> put_in_place(const fs::path& temporary, const fs::path& file, bool exclusive) {
  if (!exclusive) {
    if (::rename(temporary.c_str(), file.c_str()) == 0) return {};
    return io_error(file, "cannot write the key ring");
  }
  if (::link(temporary.c_str(), file.c_str()) != 0) {
    if (errno != EEXIST) return io_error(file, "cannot write the key ring");
    return fail(Errc::unavailable, file.string() +
                                       " is there already, and it is not overwritten: "
                                       "what its secrets made would be lost");
  }
  ::unlink(temporary.c_str());
  return {};
}

}  // namespace

Result<KeyRing> KeyRing::load(const fs::path& file) {
  // O_NONBLOCK: a FIFO in the file's place must not hang the start.
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened.is_open()) {
    if (errno == ENOENT) return fail(Errc::not_found, "there is no key ring " + file.string());
    return io_error(file, "cannot open the key ring");
  }
  struct stat status = {};
  if (::fstat(opened.number(), &status) != 0) return io_error(file, "cannot read the key ring");
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::incompatible, file.string() + " is not a file, so it is no key ring");
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::incompatible, "the key ring " + file.string() +
                                        " is open to others than its owner; run: chmod 600 " +
                                        file.string());
  }
  if (static_cast<std::size_t>(status.st_size) > kMaxFileBytes) {
    return fail(Errc::incompatible, file.string() + " is too large to be a key ring");
  }
  SecretText content;
  content.text.resize(static_cast<std::size_t>(status.st_size));
  if (!read_all(opened.number(), content.text)) return io_error(file, "cannot read the key ring");
  auto ring = from_json(content.text);
  if (!ring) ring.error().message = "the key ring " + file.string() + ": " + ring.error().message;
  return ring;
}

Result<void> KeyRing::save(const fs::path& file, bool exclusive) const {
  // A link is kept, and what it points to replaced.
  std::error_code error;
  const fs::path resolved = exclusive ? file : fs::weakly_canonical(file, error);
  const fs::path target = error ? file : resolved;

  const SecretText content{to_json()};
  std::string temporary = target.string() + ".XXXXXX";
  const FileDescriptor made(::mkostemp(temporary.data(), O_CLOEXEC));  // Of mode 0600.
  if (!made.is_open()) return io_error(target, "cannot write the key ring");
  struct stat old = {};
  const bool keeps_owner = !exclusive && ::stat(target.c_str(), &old) == 0;
  const bool written = (!keeps_owner || ::fchown(made.number(), old.st_uid, old.st_gid) == 0) &&
                       write_all(made.number(), content.text) && ::fsync(made.number()) == 0;
  auto saved = written ? put_in_place(temporary, target, exclusive)
                       : Result<void>(io_error(target, "cannot write the key ring"));
  if (!saved) {
    ::unlink(temporary.c_str());
    return saved;
  }
  return sync_directory(target);
}

}  // namespace keyledger::security
