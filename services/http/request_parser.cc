#include "services/http/request_parser.h"

#include <algorithm>

#include <boost/beast/http/error.hpp>

#include "services/http/text.h"

namespace keyledger::http {
namespace {

namespace beast = boost::beast;

/// What a field line has besides name and value: the colon and the line's end.
constexpr std::size_t kFieldLineBytes = 3;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(std::string_view name) {
  if (name == "GET") return Method::get;
  if (name == "POST") return Method::post;
  if (name == "PATCH") return Method::patch;
  if (name == "DELETE") return Method::delete_;
  if (name == "PUT") return Method::put;
  if (name == "HEAD") return Method::head;
  return Method::other;
}

}  // namespace

RequestParser::RequestParser(Memory& memory, std::size_t max_header_bytes)
    : memory_(memory), max_header_bytes_(max_header_bytes) {
  memory_.text.clear();
  memory_.body.clear();
  memory_.fields.clear();
  header_limit(static_cast<std::uint32_t>(max_header_bytes));
  body_limit(boost::none);  // Known when the route is: see on_body_impl().
}

std::size_t RequestParser::put(boost::asio::const_buffer bytes, ErrorCode& ec) {
  constexpr std::size_t kShortestChunkedBody = 5;
  if (header_done_ && chunked() && !has_chunk_ && bytes.size() < kShortestChunkedBody) {
    ec = beast::http::error::need_more;
    return 0;
  }
  return basic_parser::put(bytes, ec);
}

void RequestParser::on_request_impl(beast::http::verb, Text method, Text target, int version,
                                    ErrorCode&) {
  version_ = version;
  memory_.method = view(method);
  memory_.text.append(view(target));
  memory_.target_bytes = target.size();
  header_bytes_ = method.size() + target.size();
}

void RequestParser::on_field_impl(beast::http::field, Text name, Text value, ErrorCode& ec) {
  if (header_done_) return;
  // Beast's own limit is for what one call of put() is given, not for the header.
  header_bytes_ += name.size() + value.size() + kFieldLineBytes;
  if (header_bytes_ > max_header_bytes_) {
    ec = beast::http::error::header_limit;
    return;
  }
  const std::size_t begin = memory_.text.size();
  memory_.text.append(view(name)).append(view(value));
  memory_.fields.push_back({begin, name.size(), begin + name.size(), value.size()});
}

void RequestParser::on_header_impl(ErrorCode&) { header_done_ = true; }

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode& ec) {
  if (!length) return;
  // Memory is taken for what has come, not for what a header says.
  if (*length > max_body_bytes_) ec = beast::http::error::body_limit;
}

std::size_t RequestParser::on_body_impl(Text piece, ErrorCode& ec) {
  if (piece.size() > max_body_bytes_ - std::min(max_body_bytes_, memory_.body.size())) {
    ec = beast::http::error::body_limit;
    return 0;
  }
  memory_.body.append(view(piece));
  return piece.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text piece, ErrorCode& ec) {
  return on_body_impl(piece, ec);
}

bool RequestParser::describe(Request& request) const {
  const std::string_view text = memory_.text;
  request.method_text = memory_.method;
  request.method = method_of(memory_.method);
  request.headers.clear();
  for (const auto& field : memory_.fields) {
    request.headers.emplace_back(text.substr(field.name, field.name_bytes),
                                 text.substr(field.value, field.value_bytes));
  }
  std::string_view target = text.substr(0, memory_.target_bytes);
  if (!target.starts_with('/')) {
    // The absolute form: what stands before the path is for proxies.
    const auto colon = target.find("://");
    const std::string_view scheme = target.substr(0, colon);
    if (colon == target.npos) return false;
    if (!same_token(scheme, "http") && !same_token(scheme, "https")) return false;
    const auto path = target.find_first_of("/?", colon + 3);
    target = path == target.npos ? std::string_view("/") : target.substr(path);
    if (!target.starts_with('/')) return false;
  }
  if (target.find('#') != target.npos) return false;
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  request.query = question == target.npos ? std::string_view{} : target.substr(question + 1);
  return true;
}

bool has_folded_field(std::string_view lines) {
  for (auto end = lines.find('\n'); end != lines.npos; end = lines.find('\n', end + 1)) {
    if (end + 1 < lines.size() && (lines[end + 1] == ' ' || lines[end + 1] == '\t')) return true;
  }
  return false;
}

std::string_view find_ambiguity(const Request& request, bool is_http_1_1) {
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::string_view coding;
  for (const auto& [name, value] : request.headers) {
    if (same_token(name, "host")) ++hosts;
    if (same_token(name, "content-length")) {
      ++lengths;
      if (value.contains(',')) return "more than one Content-Length";
    }
    if (same_token(name, "transfer-encoding")) {
      ++codings;
      coding = value;
    }
  }
  if (lengths > 1) return "more than one Content-Length";
  if (codings > 1 || (codings == 1 && !same_token(coding, "chunked"))) {
    return "a Transfer-Encoding other than chunked";
  }
  if (codings == 1 && lengths == 1) return "both Content-Length and Transfer-Encoding";
  if (codings == 1 && !is_http_1_1) return "a Transfer-Encoding in HTTP/1.0";
  if (hosts > 1) return "more than one Host";
  if (hosts == 0 && is_http_1_1) return "no Host";
  return {};
}

}  // namespace keyledger::http
