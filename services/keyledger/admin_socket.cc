#include "services/keyledger/admin_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace keyledger {
namespace {

constexpr mode_t kOwnerAlone = 0600;
constexpr int kBacklog = 16;

std::unexpected<Error> system_error(const std::string& what) {
  return fail(Errc::io, what + ": " + std::generic_category().message(errno));
}

/// A socket's address. One whose path is too long for it is named through its open directory.
struct Address {
  sockaddr_un name{};
  Descriptor directory;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

Result<Address> address_of(const std::filesystem::path& socket) {
  Address address;
  address.name.sun_family = AF_UNIX;
  std::string path = socket.string();
  if (path.size() >= sizeof(address.name.sun_path)) {
    address.directory =
        Descriptor(open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!address.directory) return system_error("can't open " + socket.parent_path().string());
    path = "/proc/self/fd/" + std::to_string(address.directory.get()) + "/" +
           socket.filename().string();
  }
  path.copy(address.name.sun_path, sizeof(address.name.sun_path) - 1);
  return address;
}

/// Waits until `events` can be done on `connection`.
Result<void> wait_for(const Descriptor& connection, short events, AdminDeadline deadline,
                      const Descriptor& cancel) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Errc::io, "the other side took too long");
    std::array<pollfd, 2> files{{{connection.get(), events, 0}, {cancel.get(), POLLIN, 0}}};
    const auto wait = std::min<std::int64_t>(left.count(), 60'000);
    const int ready = poll(files.data(), files.size(), static_cast<int>(wait));
    if (ready < 0 && errno != EINTR) return system_error("can't wait for the other side");
    if (ready > 0 && files[1].revents != 0) return fail(Errc::io, "this node is stopping");
    if (ready > 0) return {};
  }
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<Descriptor> listen_at(const std::filesystem::path& socket) {
  const auto address = address_of(socket);
  if (!address) return fail(address.error());
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::string what = "can't listen at " + socket.string();
  if (!listener) return system_error(what);
  // Before it has a name, so that it never has another mode.
  if (fchmod(listener.get(), kOwnerAlone) != 0) return system_error(what);
  unlink(address->name.sun_path);
  if (bind(listener.get(), address->get(), sizeof(address->name)) != 0 ||
      listen(listener.get(), kBacklog) != 0) {
    return system_error(what);
  }
  return listener;
}

Result<std::optional<Descriptor>> connect_to(const std::filesystem::path& socket) {
  std::error_code ec;
  if (!std::filesystem::exists(socket, ec) && !ec) return std::optional<Descriptor>{};
  const auto address = address_of(socket);
  if (!address) return fail(address.error());
  Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection) return system_error("can't make a socket");
  if (connect(connection.get(), address->get(), sizeof(address->name)) == 0) {
    return std::optional(std::move(connection));
  }
  if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<Descriptor>{};
  return system_error("can't reach the node at " + socket.string() + " (run this as its user)");
}

Result<std::string> read_line(const Descriptor& connection, AdminDeadline deadline,
                              const Descriptor& cancel) {
  std::string line;
  std::array<char, 4096> bytes;
  for (;;) {
    if (auto ready = wait_for(connection, POLLIN, deadline, cancel); !ready) {
      return fail(std::move(ready.error()));
    }
    const auto count = recv(connection.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) return system_error("can't read from the other side");
    if (count == 0) return fail(Errc::malformed, "the other side hung up within a line");
    line.append(bytes.data(), static_cast<std::size_t>(count));
    const auto end = line.find('\n');
    if (std::min(end, line.size()) > kMaxAdminLineBytes) {
      return fail(Errc::malformed, "the line is too long");
    }
    if (end != line.npos) return line.substr(0, end);
  }
}

Result<void> write_line(const Descriptor& connection, std::string line, AdminDeadline deadline) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    if (auto ready = wait_for(connection, POLLOUT, deadline, Descriptor{}); !ready) return ready;
    const auto count =
        send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) return system_error("can't write to the other side");
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace keyledger
