#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "events/result.h"

namespace keyledger {

// The Unix domain socket in a data directory, by which commands reach the node that runs on it: a
// line there, a line back. Who may enter the directory and open the socket (0600) may ask.

/// The longest line, in either direction.
inline constexpr std::size_t kMaxAdminLineBytes = std::size_t{64} << 10U;

/// A file descriptor that is closed when this object goes.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

using AdminDeadline = std::chrono::steady_clock::time_point;

/// Listens at `socket`, in the place of one that a killed process left there: the caller sees to it
/// that no other node has the directory. However long the path is. Errors: io.
Result<Descriptor> listen_at(const std::filesystem::path& socket);

/// A connection to who listens at `socket`; nothing where nobody does. Errors: io.
Result<std::optional<Descriptor>> connect_to(const std::filesystem::path& socket);

/// What comes on `connection` up to the end of the line, without it. Gives up when `cancel`, if it
/// is a descriptor, can be read. Errors: malformed (longer than kMaxAdminLineBytes, or no line), io
/// (too late).
Result<std::string> read_line(const Descriptor& connection, AdminDeadline deadline,
                              const Descriptor& cancel = Descriptor{});

/// Sends `line` and its end. Errors: io.
Result<void> write_line(const Descriptor& connection, std::string line, AdminDeadline deadline);

}  // namespace keyledger
