#include "services/http/server.h"
#include "tests/services/http/served.h"

namespace keyledger::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Limits, OfASlowHeader_Answer408) {
  Served served(Limits{.header_timeout = 100ms});
  for (const char* begin : {"G", "GET /hello HTTP/1.1\r\n", "GET /hello HTTP/1.1\r\nHost: test\r\n",
                            "GET /hello HTTP/1.1\r\nHost: test\r\nX"}) {
    RawClient client(served.address());
    client.send(begin);
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer) << begin;
    EXPECT_EQ(answer->status, 408U);
    EXPECT_EQ(answer->header("connection"), "close");
    EXPECT_TRUE(client.is_at_end());
  }
}

TEST(Limits, OfAClientThatKeepsOnTrickling_AreKept) {
  Served served(Limits{.header_timeout = 100ms});
  RawClient client(served.address());
  client.send("GET /hello HTTP/1.1\r\nHost: test\r\nX: ");
  while (served.seen(0).empty() && client.send("x")) std::this_thread::yield();
  EXPECT_THAT(served.seen(1).at(0).status, testing::AnyOf(408U, 431U));
}

TEST(Limits, OfASlowBody_Answer408) {
  Served served(Limits{.body_timeout = 100ms});
  for (const std::string begin : {"Content-Length: 5\r\n\r\n", "Content-Length: 5\r\n\r\nhell",
                                  "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                  "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"}) {
    RawClient client(served.address());
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\n" + begin);
    const std::string answers = client.read_to_end();
    EXPECT_THAT(answers, HasSubstr("HTTP/1.1 408 ")) << begin;
  }
  EXPECT_EQ(served.handled(), 0);
}

TEST(Limits, OfAnIdleConnection_CloseItWithoutAnAnswer) {
  Served served(Limits{.idle_timeout = 100ms});
  RawClient fresh(served.address());
  RawClient used(served.address());
  used.send(get("/hello"));
  EXPECT_EQ(used.read_answer()->status, 200U);
  EXPECT_TRUE(fresh.is_at_end());
  EXPECT_TRUE(used.is_at_end());
  EXPECT_EQ(served.seen(1).size(), 1U);
}

TEST(Limits, OfAHandlerThatTakesLong_DoNotEndIt) {
  Served served(Limits{.header_timeout = 100ms, .body_timeout = 100ms, .idle_timeout = 100ms});
  RawClient client(served.address());
  client.send(post("/later", "x"));
  if (!served.gate().wait_for_arrivals(1)) GTEST_SKIP() << "the machine was too slow to send";
  RawClient other(served.address());
  EXPECT_TRUE(other.is_at_end());  // So the deadlines have been looked at.
  served.gate().open();
  EXPECT_EQ(client.read_answer()->body, "later x");
}

TEST(Limits, OfAClientThatNeverReads_EndItsConnection) {
  Served served(Limits{.write_timeout = 100ms});
  RawClient client(served.address(), /*receive_buffer_bytes=*/4096);
  client.send(get("/large") + get("/hello"));
  EXPECT_EQ(served.seen(1).size(), 1U);
  EXPECT_TRUE(served.wait_for_connections(0));
  EXPECT_EQ(served.handled(), 1);
  EXPECT_LT(client.read_to_end().size(), kLargeBytes);
}

class MemoryForBodies : public testing::TestWithParam<std::size_t> {};

TEST_P(MemoryForBodies, HeldByThoseThatSentAPart_Answers503UntilSomeIsFree) {
  const std::size_t part = GetParam();
  Served served(Limits{.body_memory = 200 * 1024});
  const std::string half =
      "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n" + std::string(part, 'x');
  std::vector<std::unique_ptr<RawClient>> halves;
  while (served.server().stats().refused_for_memory == 0 && halves.size() < 100) {
    halves.push_back(std::make_unique<RawClient>(served.address()));
    halves.back()->send(half);
    RawClient other(served.address());  // Answered in any case, and after the half came.
    other.send(get("/hello"));
    ASSERT_EQ(other.read_answer()->status, 200U);
  }
  ASSERT_GT(halves.size(), 1U);
  ASSERT_LT(halves.size(), 6U);
  const auto refused = halves.back()->read_answer();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503U);
  EXPECT_TRUE(refused->has("retry-after"));
  EXPECT_EQ(refused->header("connection"), "close");

  RawClient small(served.address());
  small.send(post("/echo", "x"));
  EXPECT_EQ(small.read_answer()->body, "x");
  halves.resize(1);
  EXPECT_TRUE(served.wait_for_connections(2));
  halves.front()->send(std::string(60'000 - part, 'y'));
  EXPECT_EQ(halves.front()->read_answer()->body.size(), 60'000U);
  halves.clear();
  EXPECT_TRUE(served.wait_for_connections(1));
  small.send(post("/echo", std::string(60'000, 'z')));
  EXPECT_EQ(small.read_answer()->body, std::string(60'000, 'z'));
}

INSTANTIATE_TEST_SUITE_P(OfParts, MemoryForBodies,
                         testing::Values(16'384, 16'385, 32'768, 50'000, 59'999));

TEST(MemoryForSmallBodies, IsNotCounted) {
  Served served(Limits{.body_memory = 0});
  RawClient client(served.address());
  for (const std::size_t bytes : {0U, 1U, 4'096U, 8'000U}) {
    client.send(post("/echo", std::string(bytes, 'x')));
    EXPECT_EQ(client.read_answer()->body.size(), bytes);
  }
}

TEST(Limits, OfMemoryForAnswers_Answer503UntilSomeIsFree) {
  Served served(Limits{.answer_memory = kLargeBytes + 1});
  RawClient slow(served.address(), /*receive_buffer_bytes=*/4096);
  slow.send(get("/large"));
  EXPECT_EQ(served.seen(1).size(), 1U);
  RawClient other(served.address());
  other.send(get("/large"));
  const auto refused = other.read_answer();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503U);
  EXPECT_TRUE(refused->has("retry-after"));
  other.send(get("/hello"));
  EXPECT_EQ(other.read_answer()->status, 200U);
  EXPECT_EQ(served.seen(2).at(1).status, 503U);

  EXPECT_EQ(slow.read_answer()->body.size(), kLargeBytes);
  slow.send(get("/hello"));  // Its answer comes after the large one was forgotten.
  EXPECT_EQ(slow.read_answer()->status, 200U);
  other.send(get("/large"));
  EXPECT_EQ(other.read_answer()->body.size(), kLargeBytes);
}

TEST(Limits, OfConnections_RefuseMoreAndTakeNewOnesAgain) {
  Served served(Limits{.connections = 2}, 2);
  RawClient first(served.address());
  first.send(get("/hello"));
  EXPECT_TRUE(first.read_answer());
  auto second = std::make_unique<RawClient>(served.address());
  second->send(get("/hello"));
  EXPECT_TRUE(second->read_answer());
  RawClient third(served.address());
  EXPECT_TRUE(third.is_at_end());
  EXPECT_EQ(served.server().stats().connections_refused, 1U);
  EXPECT_EQ(served.server().stats().connections_open, 2);
  second.reset();
  ASSERT_TRUE(served.wait_for_connections(1));
  RawClient fourth(served.address());
  fourth.send(get("/hello"));
  EXPECT_TRUE(fourth.read_answer());
  first.send(get("/hello"));
  EXPECT_TRUE(first.read_answer());
}

TEST(Client, ThatIsGoneWhileTheHandlerWorks_HarmsNobody) {
  Served served;
  for (const bool by_reset : {false, true}) {
    RawClient client(served.address());
    client.send(post("/later", "x") + get("/hello"));
    ASSERT_TRUE(served.gate().wait_for_arrivals(by_reset ? 2 : 1));
    by_reset ? client.reset() : client.close();
  }
  served.gate().open();
  EXPECT_TRUE(served.wait_for_connections(0));
  RawClient next(served.address());
  next.send(get("/hello"));
  EXPECT_EQ(next.read_answer()->status, 200U);
}

TEST(Client, ThatIsGoneInTheMiddleOfARequest_GetsNoAnswer) {
  Served served;
  for (const std::string begin :
       {"", "GET /he", "POST /echo HTTP/1.1\r\nHost: t\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab"}) {
    RawClient client(served.address());
    client.send(begin);
    client.finish_sending();
    EXPECT_TRUE(client.is_at_end()) << begin;
  }
  EXPECT_TRUE(served.wait_for_connections(0));
  EXPECT_EQ(served.seen(0).size(), 0U);
}

TEST(Start, OnAPortInUse_SaysWhichAndWhy) {
  Served served;
  for (const unsigned threads : {1U, 3U}) {
    const Router router({});
    Server second(router, {}, threads, [] { return std::uint64_t{0}; }, [](const Exchange&) {});
    const auto started = second.listen({{served.address()}});
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, Errc::unavailable);
    EXPECT_THAT(started.error().message, HasSubstr(served.address()));
    EXPECT_THAT(started.error().message, HasSubstr("in use"));
    second.drain(10min);  // Returns at once: nothing has started.
  }
}

TEST(Start, OnWhatIsNoAddress_SaysSo) {
  const Router router({});
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", "256.0.0.1:0",
                              "[::1:0", "203.0.113.1:0"}) {
    Server server(router, {}, 1, [] { return std::uint64_t{0}; }, [](const Exchange&) {});
    const auto started = server.listen({{address}});
    ASSERT_FALSE(started.has_value()) << address;
    EXPECT_EQ(started.error().code, Errc::unavailable);
    EXPECT_THAT(started.error().message, HasSubstr(address));
  }
}

TEST(Start, OnPort0_TakesAFreeOneForEachEndpoint) {
  Served served({}, 2, {{"127.0.0.1:0"}, {"127.0.0.1:0"}});
  EXPECT_NE(served.address(0), served.address(1));
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_THAT(served.address(i), StartsWith("127.0.0.1:"));
    RawClient client(served.address(i));
    client.send(get("/hello"));
    EXPECT_EQ(client.read_answer()->status, 200U);
  }
}

TEST(Start, OnIpv6_ServesIt) {
  std::unique_ptr<Served> served;
  try {
    served = std::make_unique<Served>(Limits{}, 1, std::vector<Server::Endpoint>{{"[::1]:0"}});
  } catch (const std::runtime_error& error) {
    GTEST_SKIP() << error.what();
  }
  EXPECT_THAT(served->address(), StartsWith("[::1]:"));
  RawClient client(served->address());
  client.send(get("/describe"));
  EXPECT_THAT(client.read_answer()->body, HasSubstr("\nfrom=::1\nloopback\n"));
}

}  // namespace
}  // namespace keyledger::http
