#include "services/keyledger/admin_server.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

namespace keyledger {
namespace {

constexpr std::chrono::seconds kTurn{5};
/// For accept() where no file can be opened: it would fail again at once.
constexpr int kPauseMs = 200;

AdminDeadline end_of_turn() { return std::chrono::steady_clock::now() + kTurn; }

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::start(std::filesystem::path socket,
                                                        Handler handler) {
  auto listener = listen_at(socket);
  if (!listener) return fail(std::move(listener.error()));
  Descriptor end(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!end) return fail(Errc::io, "can't make an eventfd");
  return std::unique_ptr<AdminServer>(
      new AdminServer(std::move(socket), std::move(*listener), std::move(end), std::move(handler)));
}

AdminServer::AdminServer(std::filesystem::path socket, Descriptor listener, Descriptor end,
                         Handler handler)
    : socket_(std::move(socket)),
      listener_(std::move(listener)),
      end_(std::move(end)),
      handler_(std::move(handler)),
      thread_([this] { run(); }) {}

AdminServer::~AdminServer() {
  eventfd_write(end_.get(), 1);
  thread_.join();
  std::error_code ignored;
  std::filesystem::remove(socket_, ignored);
}

void AdminServer::run() const {
  for (;;) {
    std::array<pollfd, 2> files{{{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
    poll(files.data(), files.size(), -1);
    if (files[0].revents != 0) return;
    const Descriptor connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) {
      serve(connection);
    } else if (errno == EMFILE || errno == ENFILE) {
      poll(files.data(), 1, kPauseMs);
    }
  }
}

void AdminServer::serve(const Descriptor& connection) const {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  const auto line = read_line(connection, end_of_turn(), end_);
  const std::string answer =
      line ? handler_(*line, peer.uid) : nlohmann::json{{"error", line.error().message}}.dump();
  // A peer that is gone doesn't hear the answer.
  [[maybe_unused]] const auto heard = write_line(connection, answer, end_of_turn());
}

}  // namespace keyledger
