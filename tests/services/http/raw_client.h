#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace keyledger::http {

/// One HTTP answer as it came over the wire.
struct Answer {
  unsigned status = 0;
  std::string head;                            ///< The status line and the header, as received.
  std::map<std::string, std::string> headers;  ///< By lower-case name; of several, the last.
  std::string body;

  bool has(const std::string& name) const { return headers.contains(name); }
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

/// A blocking client that sends exactly the bytes it is told to. Every wait ends after ten seconds.
class RawClient {
 public:
  /// `address` is one of Server::addresses(). Throws when nobody listens there.
  explicit RawClient(const std::string& address, int receive_buffer_bytes = 0) {
    const bool is_v6 = address.starts_with('[');
    socket_ = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    set(SOL_SOCKET, SO_RCVTIMEO, patience);
    set(SOL_SOCKET, SO_SNDTIMEO, patience);
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    if (receive_buffer_bytes > 0) set(SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    if (!connect(address, is_v6)) {
      ::close(socket_);
      throw std::runtime_error("can't connect to " + address);
    }
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False when the peer takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The next answer; nothing if the connection ends (or our patience does) before it is complete.
  std::optional<Answer> read_answer(bool to_head = false) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    Answer answer = parse_head(input_.substr(0, end + 4));
    input_.erase(0, end + 4);
    const std::string length = answer.header("content-length");
    const std::size_t body_bytes = to_head || length.empty() ? 0 : std::stoul(length);
    while (input_.size() < body_bytes) {
      if (!receive()) return std::nullopt;
    }
    answer.body = input_.substr(0, body_bytes);
    input_.erase(0, body_bytes);
    return answer;
  }

  /// All that comes until the server ends the connection.
  std::string read_to_end() {
    while (receive()) continue;
    return std::exchange(input_, {});
  }

  /// Whether the server has ended the connection without another byte.
  bool is_at_end() { return read_to_end().empty() && ended_; }

  /// Reads up to `bytes` more, into what read_answer() begins with.
  bool receive(std::size_t bytes = 65536) {
    std::string piece(bytes, '\0');
    const auto got = ::recv(socket_, piece.data(), piece.size(), 0);
    ended_ = got == 0 || (got < 0 && errno == ECONNRESET);
    if (got <= 0) return false;
    input_.append(piece, 0, static_cast<std::size_t>(got));
    return true;
  }

  /// What receive() has read.
  std::string take() { return std::exchange(input_, {}); }

  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  /// Ends the connection so that the peer sees a reset.
  void reset() {
    set(SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    close();
  }

 private:
  template <typename T>
  void set(int level, int option, const T& value) {
    ::setsockopt(socket_, level, option, &value, sizeof(value));
  }

  bool connect(const std::string& address, bool is_v6) {
    const auto colon = address.rfind(':');
    const auto port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1))));
    if (is_v6) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = port;
      ::inet_pton(AF_INET6, address.substr(1, colon - 2).c_str(), &to.sin6_addr);
      return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = port;
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }

  static Answer parse_head(std::string head) {
    Answer answer;
    answer.head = std::move(head);
    std::string_view rest = answer.head;
    answer.status = static_cast<unsigned>(std::stoul(std::string(rest.substr(9, 3))));
    rest.remove_prefix(rest.find("\r\n") + 2);
    while (!rest.starts_with("\r\n")) {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(line.size() + 2);
      const auto colon = line.find(": ");
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      answer.headers[name] = line.substr(std::min(line.size(), colon + 2));
    }
    return answer;
  }

  int socket_ = -1;
  bool ended_ = false;
  std::string input_;
};

/// A GET request of HTTP/1.1, with `headers` as complete lines.
inline std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) + "\r\n";
}

/// A POST request of HTTP/1.1 that says how long `body` is.
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = {}) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace keyledger::http
