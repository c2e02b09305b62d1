#include "services/http/message.h"

#include "services/http/text.h"

namespace keyledger::http {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [header_name, value] : headers) {
    if (same_token(header_name, name)) return value;
  }
  return {};
}

std::size_t Request::count(std::string_view name) const {
  std::size_t found = 0;
  for (const auto& [header_name, value] : headers) {
    if (same_token(header_name, name)) ++found;
  }
  return found;
}

Response& Response::set(std::string_view name, std::string_view value) {
  headers.append(name).append(": ");
  const std::size_t begin = headers.size();
  headers.append(value);
  for (std::size_t i = begin; i < headers.size(); ++i) {
    char& c = headers[i];
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  headers.append("\r\n");
  return *this;
}

Response json_response(unsigned status, std::string body) {
  Response response;
  response.status = status;
  response.headers = "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  response.body = std::move(body);
  return response;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace keyledger::http
