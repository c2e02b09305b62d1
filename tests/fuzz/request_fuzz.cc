// The bytes of a connection: parsing, framing, routes, and the split of the bytes, which must not
// matter. The loop is that of services/http/connection.cc without its socket.

#include <algorithm>
#include <cstdint>
#include <fuzzer/FuzzedDataProvider.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "services/http/json_body.h"
#include "services/http/query.h"
#include "services/http/request_parser.h"
#include "services/http/router.h"
#include "tests/fuzz/promise.h"

namespace keyledger::http {
namespace {

using fuzz::promise;
namespace beast = boost::beast;

constexpr std::size_t kMaxBodyBytes = 256;
constexpr unsigned kHeaderTooLarge = 431;

/// What came of the bytes of one request.
struct Outcome {
  unsigned refused = 0;  ///< The status; 0 if it wasn't refused.
  bool complete = false;
  std::size_t begin = 0;  ///< Where its bytes begin,
  std::size_t body = 0;   ///< where its header's end, if they do,
  std::size_t end = 0;    ///< and where those of the next one begin.
  std::string head;       ///< All that was understood, as one text.
  std::string content;
  bool operator==(const Outcome&) const = default;
};

Router make_router() {
  const auto route = [](Method method, const char* pattern, std::size_t max_body_bytes) {
    Route row;
    row.method = method;
    row.pattern = pattern;
    row.max_body_bytes = max_body_bytes;
    return row;
  };
  return Router({route(Method::post, "/v1/verify", kMaxBodyBytes),
                 route(Method::other, "/v1/forward-auth/*", 16),
                 route(Method::get, "/v1/accounts/{account}/keys", 0),
                 route(Method::post, "/v1/accounts/{account}/keys", kMaxBodyBytes),
                 route(Method::patch, "/v1/accounts/{account}/keys/{key}", kMaxBodyBytes)});
}

/// Serves `bytes` as they come, in `pieces`, until one request is refused or ends the connection.
class Served {
 public:
  Served(const Router& router, std::string_view bytes, const std::vector<std::size_t>& pieces,
         std::size_t max_header_bytes)
      : router_(router), bytes_(bytes), pieces_(pieces), max_header_bytes_(max_header_bytes) {
    while (serve_one()) {
    }
  }

  const std::vector<Outcome>& outcomes() const { return outcomes_; }

 private:
  bool serve_one() {
    Outcome& outcome = outcomes_.emplace_back();
    outcome.begin = taken_;
    RequestParser parser(memory_, max_header_bytes_);
    Request request;
    if (!read(parser, outcome)) return false;
    outcome.body = taken_;
    const bool is_ours = parser.describe(request);
    outcome.head = check_head(request, outcome, parser.is_http_1_1());
    if (!find_ambiguity(request, parser.is_http_1_1()).empty() || !is_ours) {
      outcome.refused = 400;
      return false;
    }
    check_target(request);
    const Router::Match match = router_.find(request.method, request.path, ListenerKind::main);
    const std::size_t max_body_bytes = match.route ? match.route->max_body_bytes : kMaxBodyBytes;
    if (!parser.is_done()) {
      parser.set_max_body_bytes(max_body_bytes);
      if (parser.content_length().value_or(0) > max_body_bytes) {
        outcome.refused = 413;
        return false;
      }
      if (!read(parser, outcome)) return false;
    }
    outcome.complete = true;
    outcome.end = taken_;
    outcome.content = memory_.body;
    promise(outcome.content.size() <= max_body_bytes, "a body is within its route's bound");
    const bool is_chunked = request.count("transfer-encoding") > 0;
    const std::size_t length = parser.content_length().value_or(0);
    promise(is_chunked || outcome.end - outcome.body == length, "a body ends where it says");
    promise(is_chunked || outcome.content == bytes_.substr(outcome.body, length),
            "a body is the bytes that were sent");
    return parser.keep_alive();
  }

  bool read(RequestParser& parser, Outcome& outcome) {
    while (!parse(parser, outcome)) {
      if (came_ == bytes_.size()) return false;
      const std::size_t piece =
          next_piece_ < pieces_.size() ? pieces_[next_piece_++] : bytes_.size();
      const std::string_view more = bytes_.substr(came_, piece);
      input_ += more;
      came_ += more.size();
    }
    return outcome.refused == 0;
  }

  bool parse(RequestParser& parser, Outcome& outcome) {
    while (!input_.empty()) {
      beast::error_code ec;
      const bool in_header = !parser.is_header_done();
      const std::size_t taken =
          parser.put(boost::asio::const_buffer(input_.data(), input_.size()), ec);
      const bool folded = in_header && has_folded_field({input_.data(), taken});
      input_.erase(0, taken);
      input_.shrink_to_fit();  // So that a look behind what came is seen.
      taken_ += taken;
      if (!folded && ec == beast::http::error::need_more) break;
      if (folded) {
        outcome.refused = 400;
      } else if (ec == beast::http::error::header_limit ||
                 ec == beast::http::error::buffer_overflow) {
        outcome.refused = kHeaderTooLarge;
      } else if (ec == beast::http::error::body_limit) {
        outcome.refused = 413;
      } else if (ec) {
        outcome.refused = 400;
      }
      if (outcome.refused != 0) return true;
      if (in_header ? parser.is_header_done() : parser.is_done()) return true;
    }
    if (input_.size() > max_header_bytes_) outcome.refused = kHeaderTooLarge;
    return outcome.refused != 0;
  }

  /// Checks the header against the bytes that it was read from, and gives it as one text.
  std::string check_head(const Request& request, const Outcome& outcome, bool is_http_1_1) const {
    std::string_view raw = bytes_.substr(outcome.begin, outcome.body - outcome.begin);
    promise(raw.ends_with("\r\n\r\n"), "a header ends with an empty line");
    std::string head = std::string(request.method_text) + ' ' + std::string(request.path) + '?' +
                       std::string(request.query);
    const auto line_feeds = static_cast<std::size_t>(std::ranges::count(raw, '\n'));
    promise(line_feeds == request.headers.size() + 2, "each line is a field, and no line is left");
    promise(static_cast<std::size_t>(std::ranges::count(raw, '\r')) == line_feeds,
            "no carriage return or line feed stands alone");
    promise(!raw.contains('\0'), "no header has a NUL");
    for (const auto& [name, value] : request.headers) {
      promise(!name.empty() && name.find_first_of(" \t:\r\n") == name.npos, "a name is a token");
      promise(value.find_first_of("\r\n") == value.npos, "a value is one line");
      head.append("\n").append(name).append(":").append(value);
    }
    if (find_ambiguity(request, is_http_1_1).empty()) {
      const std::size_t framings =
          request.count("content-length") + request.count("transfer-encoding");
      promise(framings <= 1, "a request has at most one framing");
      promise(request.count("host") <= 1, "a request has at most one host");
    }
    return head;
  }

  void check_target(const Request& request) const {
    promise(request.path.starts_with('/'), "a path begins with a slash");
    promise(request.path.find_first_of("?#") == request.path.npos, "a path is nothing but a path");
    promise(!request.query.contains('#'), "a query has no fragment");
    const auto match = router_.find(request.method, request.path, ListenerKind::main);
    if (match.route != nullptr) check_match(match);
    check_query(request.query);
  }

  static void check_match(const Router::Match& match) {
    const std::string& pattern = match.route->pattern;
    const auto parameters = static_cast<std::size_t>(std::ranges::count(pattern, '{'));
    promise(match.parameters.size() == parameters, "each parameter has its value");
    for (const std::string& value : match.parameters) {
      promise(!value.empty(), "no parameter is empty");
      promise(percent_decode(percent_encode(value)) == value, "a parameter is UTF-8");
    }
  }

  static void check_query(std::string_view query) {
    constexpr std::string_view kNames[] = {"limit", "min_position", "text", "enabled", "from"};
    const auto parsed = Query::parse(query, {"limit", "text", "enabled", "from"});
    if (!parsed) {
      promise(parsed.error().code == Errc::malformed, "a query is good or malformed");
      return;
    }
    std::string again;
    for (const std::string_view name : kNames) {
      if (const auto value = parsed->get(name)) {
        again.append("&").append(name).append("=").append(percent_encode(*value));
      }
    }
    const auto parsed_again = Query::parse(again, {"limit", "text", "enabled", "from"});
    promise(parsed_again.has_value(), "a query that was read can be written");
    for (const std::string_view name : kNames) {
      promise(parsed_again->get(name) == parsed->get(name), "a query is read as it is written");
    }
    const auto limit = parsed->number("limit", 1, 200);
    promise(!limit || !*limit || (**limit >= 1 && **limit <= 200), "a number is in its bounds");
    (void)parsed->boolean("enabled");
    (void)parsed->instant("from");
  }

  const Router& router_;
  std::string_view bytes_;
  const std::vector<std::size_t>& pieces_;
  std::size_t max_header_bytes_;
  RequestParser::Memory memory_;
  std::string input_;  ///< What came and isn't parsed yet.
  std::size_t came_ = 0;
  std::size_t taken_ = 0;
  std::size_t next_piece_ = 0;
  std::vector<Outcome> outcomes_;
};

/// In pieces, what is no header is refused only when its empty line has come, or never (then the
/// connection ends with 408): until then the parser doesn't look at it again.
std::vector<Outcome> without_patience(std::vector<Outcome> outcomes) {
  for (Outcome& outcome : outcomes) {
    if (outcome.refused == 400 && outcome.body == 0) outcome.refused = 0;
  }
  return outcomes;
}

/// Where a header is near its limit, it depends on the pieces whether it is found too large.
bool is_same(std::vector<Outcome> left, std::vector<Outcome> right) {
  const auto is_too_large = [](const Outcome& outcome) {
    return outcome.refused == kHeaderTooLarge;
  };
  const auto end = std::min(std::ranges::find_if(left, is_too_large) - left.begin(),
                            std::ranges::find_if(right, is_too_large) - right.begin());
  for (auto* outcomes : {&left, &right}) {
    outcomes->resize(std::min(outcomes->size(), static_cast<std::size_t>(end)));
  }
  return without_patience(std::move(left)) == without_patience(std::move(right));
}

void check(std::string_view bytes, const std::vector<std::size_t>& pieces,
           std::size_t max_header_bytes) {
  static const Router router = make_router();
  const Served whole(router, bytes, {}, max_header_bytes);
  const Served in_pieces(router, bytes, pieces, max_header_bytes);
  const Served by_byte(router, bytes, std::vector<std::size_t>(bytes.size(), 1), max_header_bytes);
  for (const auto* other : {&in_pieces, &by_byte}) {
    promise(is_same(whole.outcomes(), other->outcomes()),
            "it doesn't matter where the bytes were split");
  }
  for (const Outcome& outcome : whole.outcomes()) {
    promise(outcome.refused != kHeaderTooLarge || bytes.size() - outcome.begin >= max_header_bytes,
            "no header that may end within the limit is too large");
  }
}

}  // namespace
}  // namespace keyledger::http

/// The bytes of the connection; behind them, from the end on, the limit's and the pieces' bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const std::size_t max_header_bytes = input.ConsumeBool() ? 128 : 16 * 1024;
  std::vector<std::size_t> pieces(input.ConsumeIntegralInRange<std::size_t>(0, 7));
  for (std::size_t& piece : pieces) piece = input.ConsumeIntegralInRange<std::size_t>(1, 256);
  keyledger::http::check(input.ConsumeRemainingBytesAsString(), pieces, max_header_bytes);
  return 0;
}
