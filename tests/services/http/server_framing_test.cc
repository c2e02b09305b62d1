#include "services/http/server.h"
#include "tests/services/http/served.h"

namespace keyledger::http {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

/// Sends `request` and then a good one; the first must be refused with `status`, and the connection
/// end without a look at the second.
void expect_refused(Served& served, const std::string& request, unsigned status = 400) {
  SCOPED_TRACE(testing::PrintToString(request.substr(0, 300)));
  const int before = served.handled();
  RawClient client(served.address());
  client.send(request + get("/hello"));
  const std::string answers = client.read_to_end();
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 " + std::to_string(status) + " "));
  EXPECT_THAT(answers, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(count(answers, "HTTP/1.1 "), 1U);
  EXPECT_EQ(served.handled(), before);
}

std::string chunked(std::string_view path, std::string_view chunks, std::string_view headers = {}) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) +
         "Transfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

TEST(Framing, ThatIsAmbiguous_IsRefusedAndTheConnectionEnds) {
  Served served;
  const std::string head = "POST /echo HTTP/1.1\r\nHost: test\r\n";
  const std::string chunks = "\r\n5\r\nhello\r\n0\r\n\r\n";
  for (const std::string& request : {
           head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + chunks,
           head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + chunks,
           head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
           head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
           head + "Content-Length: 5, 5\r\n\r\nhello",
           head + "Content-Length: 5,6\r\n\r\nhello",
           head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + chunks,
           head + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" + chunks,
           head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + chunks,
           head + "Transfer-Encoding: gzip\r\n" + chunks,
           head + "Transfer-Encoding: gzip, chunked\r\n" + chunks,
           head + "Transfer-Encoding: chunked, gzip\r\n" + chunks,
           head + "Transfer-Encoding: chunked, chunked\r\n" + chunks,
           head + "Transfer-Encoding: chunked;x=1\r\n" + chunks,
           head + "Transfer-Encoding: xchunked\r\n" + chunks,
           head + "Transfer-Encoding: \"chunked\"\r\n" + chunks,
           head + "Transfer-Encoding:\r\n" + chunks,
           head + "Transfer-Encoding : chunked\r\n" + chunks,
           head + "Transfer-Encoding\t: chunked\r\n" + chunks,
           head + " Transfer-Encoding: chunked\r\n" + chunks,
           head +
               "Transfer-Encoding:\x0b"
               "chunked\r\n" +
               chunks,
           head + "Transfer-Encoding: chunk\r\n ed\r\n" + chunks,
           head + "X: a\r\nTransfer-Encoding:\r\n chunked\r\n" + chunks,
           "POST /echo HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n" + chunks,
       }) {
    expect_refused(served, request);
  }
}

TEST(Framing, WithALengthThatIsNoNumber_IsRefused) {
  Served served;
  for (const char* length : {"-1", "+5", "0x5", "5a", "5 5", "", "five", "5.0", "5,", ",5",
                             "18446744073709551616", "99999999999999999999999", "\"5\""}) {
    expect_refused(served, "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: "s + length +
                               "\r\n\r\nhello");
  }
}

TEST(Framing, OfAHeaderThatIsNotHttp_IsRefused) {
  Served served;
  for (const std::string& request : {
           "GET /hello HTTP/1.1\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"s,
           "GET /hello HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX-Folded: a\r\n b\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX-Folded: a\r\n\tb\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX-Folded:\r\n \r\n\r\n"s,
           "GET /hello HTTP/1.1\r\n Host: test\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost : test\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\n: test\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX\0: b\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX: a\nContent-Length: 5\r\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n"s,
           "GET /hello HTTP/1.1\nHost: test\n\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\n\r\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\n\n"s,
           "GET /hello HTTP/1.1\r\nHost: test\r\n\rx"s,
           "GET /hello HTTP/2.0\r\nHost: test\r\n\r\n"s,
           "GET /hello HTTP/0.9\r\nHost: test\r\n\r\n"s,
           "GET /hello http/1.1\r\nHost: test\r\n\r\n"s,
           "GET /hello\r\n"s,
           "GET  /hello HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "GET /hello  HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "GET /hel lo HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "GET /hel\0lo HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "GET * HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "CONNECT test:443 HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "GET hello HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "GET /hello#x HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "G\xc3\xa9T /hello HTTP/1.1\r\nHost: test\r\n\r\n"s,
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,
           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s,
           "{\"not\":\"http\"}"s,
           "\0\0\0\0"s,
       }) {
    expect_refused(served, request);
  }
}

TEST(Framing, OfChunksThatAreBroken_IsRefused) {
  Served served;
  for (const char* chunks :
       {"5\r\nhelloX\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n", " 5\r\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX : y\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"}) {
    expect_refused(served, chunked("/echo", chunks));
  }
}

TEST(Framing, OfChunks_GivesTheBodyAndKeepsTheConnection) {
  Served served;
  RawClient client(served.address());
  client.send(chunked("/echo", "5\r\nhello\r\n00006;a=b\r\n world\r\n0\r\nX-Trailer: x\r\n\r\n") +
              chunked("/describe", "0\r\nX-Request-Id: trailed\r\n\r\n") + get("/hello"));
  EXPECT_EQ(client.read_answer()->body, "hello world");
  const auto described = client.read_answer();
  EXPECT_THAT(described->body, HasSubstr("\nheaders=2"));
  EXPECT_NE(described->header("x-request-id"), "trailed");
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Framing, OfChunksOneByteAtATime_GivesTheBody) {
  Served served;
  RawClient client(served.address());
  for (const char c : chunked("/echo", "5\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n")) {
    client.send(std::string_view(&c, 1));
  }
  EXPECT_EQ(client.read_answer()->body, "hello!");
}

TEST(Framing, OfALargerBodyThanTheRouteTakes_Is413) {
  Served served;
  expect_refused(served, post("/small", std::string(17, 'x')), 413);
  expect_refused(served, post("/echo", std::string(64 * 1024 + 1, 'x')), 413);
  expect_refused(served, post("/nowhere", std::string(64 * 1024 + 1, 'x')), 413);
  expect_refused(served,
                 "POST /echo HTTP/1.1\r\nHost: t\r\n"
                 "Content-Length: 18446744073709551615\r\n\r\n",
                 413);
  expect_refused(served, chunked("/small", "11\r\n" + std::string(17, 'x') + "\r\n0\r\n\r\n"), 413);
  expect_refused(served, chunked("/small", "8\r\n12345678\r\n9\r\n123456789\r\n0\r\n\r\n"), 413);
  RawClient client(served.address());
  client.send(post("/small", std::string(16, 'x')) + post("/echo", std::string(64 * 1024, 'y')));
  EXPECT_EQ(client.read_answer()->body.size(), 16U);
  EXPECT_EQ(client.read_answer()->body.size(), 64U * 1024);
}

TEST(Framing, OfALargerHeaderThanTheLimit_Is431) {
  Served served(Limits{.header_bytes = 1024});
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-Field: 0123456789\r\n";
  expect_refused(served, get("/hello", "X: " + std::string(2000, 'x') + "\r\n"), 431);
  expect_refused(served, get("/hello", many), 431);
  expect_refused(served, get("/" + std::string(2000, 'x')), 431);
  expect_refused(served, std::string(2000, 'G'), 431);
  RawClient client(served.address());
  client.send(get("/hello", "X: " + std::string(900, 'x') + "\r\n"));
  EXPECT_EQ(client.read_answer()->status, 200U);
}

TEST(Framing, OfALargeHeaderInManyWrites_Is431) {
  Served served(Limits{.header_bytes = 1024});
  RawClient client(served.address());
  client.send("GET /hello HTTP/1.1\r\nHost: test\r\n");
  for (int i = 0; i < 200; ++i) client.send("X-Field: 0123456789\r\n");
  client.send("\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(served.handled(), 0);
}

TEST(Framing, OfAChunkLineWithoutEnd_IsRefused) {
  Served served(Limits{.header_bytes = 1024});
  expect_refused(served, chunked("/echo", "1;x=" + std::string(5000, 'x')), 431);
}

TEST(Expect, Of100Continue_SaysSoBeforeItTakesTheBody) {
  Served served;
  RawClient client(served.address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  const auto interim = client.read_answer();
  ASSERT_TRUE(interim);
  EXPECT_EQ(interim->head, "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc" + get("/hello"));
  EXPECT_EQ(client.read_answer()->body, "abc");
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Expect, WithTheBodyOnItsWayOrNone_GetsOnlyTheAnswer) {
  Served served;
  RawClient client(served.address());
  client.send(post("/echo", "abc", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.read_answer()->body, "abc");
  client.send(get("/hello", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Expect, InHttp10_IsIgnored) {
  Served served;
  RawClient client(served.address());
  client.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(client.read_answer()->status, 200U);
}

TEST(Expect, OfTooLargeABody_Is413Before100) {
  Served served;
  RawClient client(served.address());
  client.send(
      "POST /small HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
      "Content-Length: 17\r\n\r\n");
  EXPECT_EQ(client.read_answer()->status, 413U);
  EXPECT_TRUE(client.is_at_end());
}

TEST(Expect, OfAnythingElse_Is417) {
  Served served;
  expect_refused(served, post("/echo", "abc", "Expect: a-miracle\r\n"), 417);
}

}  // namespace
}  // namespace keyledger::http
