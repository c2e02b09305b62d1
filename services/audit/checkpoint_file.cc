#include "services/audit/checkpoint_file.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>

namespace keyledger::audit {
namespace {

std::unexpected<Error> io_error(const char* what, const std::filesystem::path& file, int number) {
  return fail(Errc::io, std::string(what) + " " + file.string() + ": " +
                            std::error_code(number, std::generic_category()).message());
}

/// Writes all of `text` to the file, or leads its directory to stable storage where there is none.
/// 0, or why not.
int write_synced(const std::filesystem::path& path, int flags, std::string_view text) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (file < 0) return errno;
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  ::close(file);
  return error;
}

}  // namespace

Result<std::string> read_checkpoint_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code ec;
  if (!in && !std::filesystem::exists(file, ec)) {
    return fail(Errc::not_found, "there is no checkpoint " + file.string());
  }
  std::string note((std::istreambuf_iterator<char>(in)), {});
  if (!in) return fail(Errc::io, "can't read the checkpoint " + file.string());
  return note;
}

Result<void> write_checkpoint_file(const std::filesystem::path& file, std::string_view note) {
  const std::filesystem::path made(file.string() + ".new");
  if (const int error = write_synced(made, O_WRONLY | O_CREAT | O_TRUNC, note); error != 0) {
    return io_error("can't write the checkpoint", made, error);
  }
  std::error_code ec;
  std::filesystem::rename(made, file, ec);
  if (ec) return io_error("can't write the checkpoint", file, ec.value());
  const auto directory = file.has_parent_path() ? file.parent_path() : ".";
  if (const int error = write_synced(directory, O_RDONLY | O_DIRECTORY, {}); error != 0) {
    return io_error("can't sync", directory, error);
  }
  return {};
}

}  // namespace keyledger::audit
