#include "services/http/request_parser.h"

#include <optional>

#include <boost/beast/http/error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyledger::http {
namespace {

namespace beast = boost::beast;
using testing::ElementsAre;
using testing::Pair;

/// What came of feeding `text` to a parser, `step` bytes at a time.
struct Parsed {
  explicit Parsed(std::string text, std::size_t step = 4096, std::size_t max_header_bytes = 1024,
                  std::size_t max_body_bytes = 64)
      : parser(memory, max_header_bytes) {
    parser.set_max_body_bytes(max_body_bytes);
    std::string pending;
    while (!parser.is_done() && !text.empty()) {
      pending.append(text, 0, step);
      text.erase(0, step);
      for (;;) {
        pending.erase(0, parser.put({pending.data(), pending.size()}, error));
        if (error == beast::http::error::need_more) break;
        if (error) return;
        if (parser.is_done()) break;
        if (pending.empty()) break;
      }
    }
    rest = pending + text;
    is_ours = parser.is_header_done() && parser.describe(request);
  }

  bool is_complete() const { return parser.is_done(); }
  std::string_view ambiguity() const { return find_ambiguity(request, parser.is_http_1_1()); }

  RequestParser::Memory memory;
  RequestParser parser;
  beast::error_code error;
  Request request;
  bool is_ours = false;
  std::string rest;
};

std::string with_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

TEST(RequestParser, OfARequest_GivesItsParts) {
  for (const std::size_t step : {1UL, 2UL, 7UL, 4096UL}) {
    const Parsed parsed(
        "PATCH /a/b%20c?x=1&y HTTP/1.1\r\nHost: h\r\nX-A:  1 2 \t\r\nContent-Length: 3\r\n\r\n"
        "abcGET",
        step);
    ASSERT_TRUE(parsed.is_complete()) << step;
    EXPECT_TRUE(parsed.is_ours);
    EXPECT_EQ(parsed.request.method, Method::patch);
    EXPECT_EQ(parsed.request.method_text, "PATCH");
    EXPECT_EQ(parsed.request.path, "/a/b%20c");
    EXPECT_EQ(parsed.request.query, "x=1&y");
    EXPECT_THAT(parsed.request.headers,
                ElementsAre(Pair("Host", "h"), Pair("X-A", "1 2"), Pair("Content-Length", "3")));
    EXPECT_EQ(parsed.memory.body, "abc");
    EXPECT_EQ(parsed.rest, "GET");
    EXPECT_EQ(parsed.ambiguity(), "");
  }
}

TEST(RequestParser, OfEachMethod_KnowsIt) {
  const std::pair<const char*, Method> methods[] = {
      {"GET", Method::get},       {"HEAD", Method::head},   {"POST", Method::post},
      {"PUT", Method::put},       {"PATCH", Method::patch}, {"DELETE", Method::delete_},
      {"OPTIONS", Method::other}, {"get", Method::other},   {"BREW", Method::other}};
  for (const auto& [name, method] : methods) {
    const Parsed parsed(std::string(name) + " / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(parsed.request.method, method) << name;
    EXPECT_EQ(parsed.request.method_text, name);
  }
}

TEST(RequestParser, OfTheAbsoluteForm_TakesThePathOfIt) {
  EXPECT_EQ(Parsed(with_target("http://h/a?b")).request.path, "/a");
  EXPECT_EQ(Parsed(with_target("http://h/a?b")).request.query, "b");
  EXPECT_EQ(Parsed(with_target("HTTPS://h:8080/")).request.path, "/");
  EXPECT_EQ(Parsed(with_target("http://h")).request.path, "/");
}

TEST(RequestParser, OfATargetThatIsNoPath_IsNotOurs) {
  for (const char* target : {"*", "a", "h:443", "/a#b", "ftp://h/a", "http://h?x", "http:/a",
                             "a?u=http://h/v1", "javascript:x://h/v1", "?a"}) {
    EXPECT_FALSE(Parsed(with_target(target)).is_ours) << target;
  }
}

TEST(RequestParser, OfChunks_JoinsThemAndDropsExtensionsAndTrailers) {
  for (const std::size_t step : {1UL, 3UL, 4096UL}) {
    const Parsed parsed(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nX-Trailer: 1\r\nAuthorization: z\r\n\r\nrest",
        step);
    ASSERT_TRUE(parsed.is_complete()) << parsed.error.message();
    EXPECT_EQ(parsed.memory.body, "abcde");
    EXPECT_EQ(parsed.request.count("x-trailer"), 0U);
    EXPECT_EQ(parsed.request.count("authorization"), 0U);
    EXPECT_EQ(parsed.rest, "rest");
  }
}

TEST(RequestParser, OfChunksThatAreNone_HasNoBodyHoweverItComes) {
  for (const std::size_t step : {1UL, 2UL, 3UL, 4UL, 5UL, 4096UL}) {
    for (const char* chunks : {"0\r\n\r\n", "0\r\nA: b\r\n\r\n", "00;x\r\n\r\n"}) {
      const Parsed parsed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                              std::string(chunks) + "rest",
                          step);
      ASSERT_TRUE(parsed.is_complete()) << parsed.error.message();
      EXPECT_EQ(parsed.memory.body, "");
      EXPECT_EQ(parsed.rest, "rest");
    }
  }
}

TEST(RequestParser, OfABodyOverItsBound_IsRefused) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(Parsed(head + "Content-Length: 65\r\n\r\n" + std::string(65, 'x')).error,
            beast::http::error::body_limit);
  EXPECT_TRUE(Parsed(head + "Content-Length: 64\r\n\r\n" + std::string(64, 'x')).is_complete());
  const std::string chunk = "20\r\n" + std::string(32, 'x') + "\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(Parsed(chunked + chunk + chunk + "0\r\n\r\n").is_complete());
  EXPECT_EQ(Parsed(chunked + chunk + chunk + "1\r\nx\r\n0\r\n\r\n").error,
            beast::http::error::body_limit);
  EXPECT_EQ(Parsed(chunked + "ffffffffffffffff\r\n" + std::string(65, 'x'), 1).error,
            beast::http::error::body_limit);
}

TEST(RequestParser, OfAHeaderOverItsBound_IsRefusedHoweverItComes) {
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100; ++i) many += "X-Field: 0123456789\r\n";
  std::string tiny = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 400; ++i) tiny += "a:\r\n";
  const std::string one = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n";
  const std::string target = with_target("/" + std::string(2000, 'x'));
  for (const std::size_t step : {1UL, 4UL, 20UL, 100'000UL}) {
    for (const std::string& text : {many + "\r\n", tiny + "\r\n", one, target}) {
      EXPECT_EQ(Parsed(text, step).error, beast::http::error::header_limit) << step;
    }
  }
}

TEST(RequestParser, OfAHeaderThatComesByTheField_CountsWhatItParsedBefore) {
  RequestParser::Memory memory;
  RequestParser parser(memory, 1024);
  beast::error_code error;
  // Each piece ends with the first byte of the next field, so that the parser takes the one before.
  std::string pending = "GET / HTTP/1.1\r\nHost: h\r\na";
  for (int i = 0; i < 400 && error != beast::http::error::header_limit; ++i) {
    pending.erase(0, parser.put({pending.data(), pending.size()}, error));
    pending += ":\r\na";
  }
  EXPECT_EQ(error, beast::http::error::header_limit);
}

TEST(RequestParser, OfItsMemoryFromTheRequestBefore_KeepsNothing) {
  RequestParser::Memory memory;
  memory.text = "old";
  memory.body = "old";
  memory.fields.push_back({});
  RequestParser parser(memory, 1024);
  EXPECT_EQ(memory.text + memory.body, "");
  EXPECT_TRUE(memory.fields.empty());
}

TEST(HasFoldedField, OfALineThatGoesOn_IsTrue) {
  EXPECT_TRUE(has_folded_field("X: a\r\n b\r\n"));
  EXPECT_TRUE(has_folded_field("X: a\r\n\tb\r\nY: c\r\n"));
  EXPECT_FALSE(has_folded_field("X: a b\r\nY:\tc\r\n\r\n"));
  EXPECT_FALSE(has_folded_field(""));
}

TEST(FindAmbiguity, OfEachFraming_SaysWhatIsWrong) {
  using Headers = std::vector<std::pair<std::string_view, std::string_view>>;
  const auto find = [](Headers headers, bool is_http_1_1 = true) {
    Request request;
    request.headers = std::move(headers);
    return std::string(find_ambiguity(request, is_http_1_1));
  };
  EXPECT_EQ(find({{"host", "h"}, {"content-length", "1"}}), "");
  EXPECT_EQ(find({{"host", "h"}, {"Transfer-Encoding", "Chunked"}}), "");
  EXPECT_EQ(find({}, false), "");
  EXPECT_NE(find({}), "");
  EXPECT_NE(find({{"host", "h"}, {"HOST", "h"}}), "");
  EXPECT_NE(find({{"host", "h"}, {"host", "h"}}, false), "");
  EXPECT_NE(find({{"host", "h"}, {"content-length", "1"}, {"Content-Length", "1"}}), "");
  EXPECT_NE(find({{"host", "h"}, {"content-length", "1, 1"}}), "");
  EXPECT_NE(find({{"host", "h"}, {"content-length", "1"}, {"transfer-encoding", "chunked"}}), "");
  EXPECT_NE(find({{"host", "h"}, {"transfer-encoding", "gzip"}}), "");
  EXPECT_NE(find({{"host", "h"}, {"transfer-encoding", "gzip, chunked"}}), "");
  EXPECT_NE(find({{"host", "h"}, {"transfer-encoding", ""}}), "");
  EXPECT_NE(
      find({{"host", "h"}, {"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}}),
      "");
  EXPECT_NE(find({{"host", "h"}, {"transfer-encoding", "chunked"}}, false), "");
}

}  // namespace
}  // namespace keyledger::http
