#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "events/result.h"
#include "services/keyledger/admin_socket.h"

namespace keyledger {

/// Answers lines that come to a node's admin socket, on a thread of its own, one connection after
/// the other: a line, its answer, and the end. Whoever is slow loses his turn after five seconds.
class AdminServer {
 public:
  /// Answers `line`, which the operating system's user `uid` sent. Without an end of line in it.
  using Handler = std::function<std::string(const std::string& line, unsigned uid)>;

  /// Errors: io.
  static Result<std::unique_ptr<AdminServer>> start(std::filesystem::path socket, Handler handler);

  /// Ends when the request that is being answered has its answer, and takes the socket away.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

 private:
  AdminServer(std::filesystem::path socket, Descriptor listener, Descriptor end, Handler handler);

  void run() const;
  void serve(const Descriptor& connection) const;

  const std::filesystem::path socket_;
  const Descriptor listener_;
  const Descriptor end_;  ///< An eventfd: can be read when all is to end.
  const Handler handler_;
  std::thread thread_;
};

}  // namespace keyledger
