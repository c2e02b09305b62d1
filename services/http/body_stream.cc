#include "services/http/body_stream.h"

#include <array>
#include <charconv>
#include <string>

#include "services/http/connection.h"

namespace keyledger::http {

namespace asio = boost::asio;

asio::awaitable<bool> BodyStream::write(std::string_view piece) {
  if (!chunked_) co_return co_await connection_.send_piece(piece);
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
  std::string chunk(size.data(), end);
  chunk.append("\r\n").append(piece).append("\r\n");
  co_return co_await connection_.send_piece(chunk);
}

asio::awaitable<void> BodyStream::ended() { return connection_.wait_for_end(); }

bool BodyStream::draining() const { return connection_.draining(); }

}  // namespace keyledger::http
