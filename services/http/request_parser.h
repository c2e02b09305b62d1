#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "services/http/message.h"

namespace keyledger::http {

/// Parses one HTTP/1.x request (RFC 9112, by Beast) into memory that the connection keeps from one
/// request to the next. Trailer fields are read and dropped.
class RequestParser : public boost::beast::http::basic_parser<true> {
 public:
  /// What outlives the parser, so that its memory is used again.
  struct Memory {
    std::string text;  ///< Target, names and values, one after the other.
    std::string method;
    std::string body;
    struct Field {
      std::size_t name;  ///< Where it begins in `text`.
      std::size_t name_bytes;
      std::size_t value;
      std::size_t value_bytes;
    };
    std::vector<Field> fields;
    std::size_t target_bytes = 0;
  };

  RequestParser(Memory& memory, std::size_t max_header_bytes);

  /// As Beast's, but waits for the first five bytes of a chunked body, of which no body has fewer
  /// ("0", two line ends): of a body without chunks Beast 1.81 asserts that they are there.
  std::size_t put(boost::asio::const_buffer bytes, boost::beast::error_code& ec);

  /// Points `request`'s method, path, query and headers into the memory. After is_header_done().
  /// False when the target is not one that an origin server takes (RFC 9112 §3.2.1, §3.2.2).
  bool describe(Request& request) const;

  /// How large the body may be. Until this is called, none is taken.
  void set_max_body_bytes(std::size_t bytes) { max_body_bytes_ = bytes; }

  /// HTTP's minor version: 0 or 1.
  bool is_http_1_1() const { return version_ == 11; }

 private:
  using ErrorCode = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb verb, Text method, Text target, int version,
                       ErrorCode& ec) override;
  void on_response_impl(int, Text, int, ErrorCode&) override {}
  void on_field_impl(boost::beast::http::field field, Text name, Text value,
                     ErrorCode& ec) override;
  void on_header_impl(ErrorCode& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode& ec) override;
  std::size_t on_body_impl(Text piece, ErrorCode& ec) override;
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode&) override { has_chunk_ = true; }
  std::size_t on_chunk_body_impl(std::uint64_t remaining, Text piece, ErrorCode& ec) override;
  void on_finish_impl(ErrorCode&) override {}

  Memory& memory_;
  std::size_t max_header_bytes_;
  std::size_t header_bytes_ = 0;  ///< Those that were parsed so far.
  std::size_t max_body_bytes_ = 0;
  int version_ = 11;
  bool header_done_ = false;
  bool has_chunk_ = false;
};

/// Whether `lines`, which end where a field line does, have a field that is continued on the next
/// line (RFC 9112 §5.2): what others may take for a field of its own.
bool has_folded_field(std::string_view lines);

/// Why a request whose header was read can't be trusted to begin and end where it says it does, or
/// to be meant for us; empty if it can. What proxies and servers may read differently is refused
/// (request smuggling): more than one framing, an unknown transfer coding, no Host or many.
std::string_view find_ambiguity(const Request& request, bool is_http_1_1);

}  // namespace keyledger::http
