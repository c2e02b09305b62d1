#include <thread>

#include "services/http/server.h"
#include "tests/services/http/served.h"

namespace keyledger::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

/// Waits until the server takes no more connections. False if it still does after ten seconds.
bool wait_until_refused(const std::string& address) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < deadline) {
    try {
      RawClient client(address);
    } catch (const std::runtime_error&) {
      return true;
    }
    std::this_thread::yield();
  }
  return false;
}

TEST(Drain, WithoutConnections_ReturnsAtOnce) {
  Served served({}, 3);
  served.server().drain(10min);
  EXPECT_TRUE(wait_until_refused(served.address()));
}

TEST(Drain, OfIdleConnections_ClosesThemAtOnce) {
  Served served({}, 2);
  RawClient fresh(served.address());
  RawClient used(served.address());
  used.send(get("/hello"));
  ASSERT_TRUE(used.read_answer());
  served.server().drain(10min);
  EXPECT_TRUE(fresh.is_at_end());
  EXPECT_TRUE(used.is_at_end());
  EXPECT_EQ(served.server().stats().connections_open, 0);
}

TEST(Drain, WithARequestInItsHandler_LetsItFinishAndSaysClose) {
  Served served;
  RawClient busy(served.address());
  busy.send(post("/later", "x") + get("/hello"));
  ASSERT_TRUE(served.gate().wait_for_arrivals(1));
  RawClient idle(served.address());
  std::jthread draining([&] { served.server().drain(10min); });
  EXPECT_TRUE(idle.is_at_end());
  EXPECT_TRUE(wait_until_refused(served.address()));
  served.gate().open();
  const auto answer = busy.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "later x");
  EXPECT_EQ(answer->header("connection"), "close");
  EXPECT_TRUE(busy.is_at_end());
  busy.close();
  draining.join();
  EXPECT_EQ(served.handled(), 0);
  EXPECT_EQ(served.server().stats().connections_open, 0);
}

TEST(Drain, WithARequestStillComing_ReadsAndAnswersIt) {
  Served served;
  RawClient idle(served.address());
  // When the second client has its 100, the server has also seen what the first had sent before.
  RawClient in_header(served.address());
  in_header.send("GET /hello HTTP/1.1\r\n");
  RawClient in_body(served.address());
  in_body.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  ASSERT_TRUE(in_body.read_answer());
  std::jthread draining([&] { served.server().drain(10min); });
  EXPECT_TRUE(idle.is_at_end());
  in_body.send("hello");
  in_header.send("Host: test\r\n\r\n");
  EXPECT_THAT(in_body.read_to_end(), HasSubstr("Connection: close\r\n\r\nhello"));
  EXPECT_THAT(in_header.read_to_end(), StartsWith("HTTP/1.1 200 OK\r\n"));
  in_body.close();
  in_header.close();
}

TEST(Drain, AfterItsTimeout_EndsWhatIsLeft) {
  Served served;
  RawClient busy(served.address());
  busy.send(post("/later", "x"));
  ASSERT_TRUE(served.gate().wait_for_arrivals(1));
  served.server().drain(1ms);
  served.server().drain(10min);  // A second time does nothing.
  EXPECT_EQ(served.seen(0).size(), 0U);
}

TEST(Drain, OfALargeAnswerUnderWay_SendsAllOfIt) {
  Served served;
  RawClient client(served.address(), /*receive_buffer_bytes=*/4096);
  client.send(get("/large"));
  ASSERT_EQ(served.seen(1).size(), 1U);
  std::jthread draining([&] { served.server().drain(10min); });
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), kLargeBytes);
  EXPECT_TRUE(client.is_at_end());
}

TEST(Drain, UnderLoad_AnswersEachRequestThatItTook) {
  Served served({}, 2);
  std::atomic<int> answered = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      try {
        for (;;) {
          RawClient client(served.address());
          for (;;) {
            client.send(post("/pool", "x"));
            const auto answer = client.read_answer();
            if (!answer) break;
            ++answered;
            if (answer->header("connection") == "close") break;
          }
        }
      } catch (const std::runtime_error&) {
        // Nobody listens any more.
      }
    });
  }
  ASSERT_GE(served.seen(200).size(), 200U);
  served.server().drain(10min);
  clients.clear();
  EXPECT_EQ(served.seen(0).size(), static_cast<std::size_t>(answered));
  EXPECT_EQ(served.server().stats().connections_open, 0);
}

TEST(Destruction, WithRequestsUnderWay_EndsThem) {
  std::unique_ptr<RawClient> client;
  {
    Served served({}, 2);
    client = std::make_unique<RawClient>(served.address());
    client->send(post("/later", "x"));
    ASSERT_TRUE(served.gate().wait_for_arrivals(1));
  }
  EXPECT_TRUE(client->is_at_end());
}

}  // namespace
}  // namespace keyledger::http
