#include "services/http/body_stream.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "services/http/connection.h"

namespace keyledger::http {
namespace {

namespace asio = boost::asio;

/// A size in hex, and the end of its line.
constexpr std::size_t kMaxHeadBytes = 18;
/// What a piece needed beyond this is given back: there may be many who wait for the next.
constexpr std::size_t kKeptBytes = 1024;

}  // namespace

BodyStream::BodyStream(Connection& connection, bool chunked)
    : connection_(connection), chunked_(chunked) {
  discard();
}

asio::awaitable<BodyStream::Written> BodyStream::write() {
  std::size_t begin = kMaxHeadBytes;
  if (chunked_) {
    std::array<char, kMaxHeadBytes - 2> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                   piece_.size() - kMaxHeadBytes, 16)
                         .ptr;
    begin -= static_cast<std::size_t>(end - digits.data()) + 2;
    std::copy(digits.data(), end, piece_.begin() + static_cast<std::ptrdiff_t>(begin));
    piece_.append("\r\n");
  }
  const auto written =
      co_await connection_.send_piece(std::string_view(piece_).substr(begin), piece_.capacity());
  discard();
  co_return written;
}

void BodyStream::discard() {
  if (piece_.capacity() > kKeptBytes) std::string().swap(piece_);
  connection_.release_piece();
  piece_.assign(kMaxHeadBytes, ' ');
  piece_[kMaxHeadBytes - 2] = '\r';
  piece_[kMaxHeadBytes - 1] = '\n';
}

asio::awaitable<void> BodyStream::ended() { return connection_.wait_for_end(); }

bool BodyStream::draining() const { return connection_.draining(); }

}  // namespace keyledger::http
