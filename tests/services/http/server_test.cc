#include "services/http/server.h"

#include <set>
#include <thread>

#include "tests/services/http/served.h"

namespace keyledger::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Server, OfARequest_AnswersWithItsOwnHeaders) {
  Served served;
  RawClient client(served.address());
  client.send(get("/hello"));
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(answer->header("content-length"), "5");
  EXPECT_EQ(answer->header("keyledger-position"), "42");
  EXPECT_THAT(answer->header("date"), testing::MatchesRegex("..., .. ... .... ..:..:.. GMT"));
  EXPECT_NE(answer->header("x-request-id"), "");
  EXPECT_FALSE(answer->has("connection"));
}

TEST(Server, OfAnAnswerWithAPositionOfItsOwn_SendsThatOne) {
  Served served;
  RawClient client(served.address());
  client.send(get("/placed"));
  EXPECT_EQ(client.read_answer()->header("keyledger-position"), "77");
}

TEST(Server, WithOneRequestAfterTheOther_KeepsTheConnection) {
  Served served;
  RawClient client(served.address());
  for (int i = 0; i < 20; ++i) {
    const std::string body = "request " + std::to_string(i);
    client.send(post("/echo", body));
    EXPECT_EQ(client.read_answer()->body, body);
  }
  EXPECT_EQ(served.server().stats().connections_accepted, 1U);
}

TEST(Server, WithManyRequestsInOneWrite_AnswersInTheirOrder) {
  Served served;
  RawClient client(served.address());
  constexpr int kRequests = 500;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) {
    requests += post(i % 7 == 0 ? "/pool" : "/echo", std::to_string(i));
  }
  std::jthread writer([&] { client.send(requests); });
  for (int i = 0; i < kRequests; ++i) {
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->body, std::to_string(i));
  }
}

TEST(Server, WithOneByteAtATime_ReadsTheSameRequest) {
  Served served;
  RawClient client(served.address());
  for (const char c : post("/echo", "abc") + get("/hello")) client.send(std::string_view(&c, 1));
  EXPECT_EQ(client.read_answer()->body, "abc");
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Server, OfHead_SendsTheLengthWithoutTheBody) {
  Served served;
  RawClient client(served.address());
  client.send("HEAD /hello HTTP/1.1\r\nHost: test\r\n\r\n" + get("/empty"));
  const auto answer = client.read_answer(/*to_head=*/true);
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->header("content-length"), "5");
  EXPECT_EQ(client.read_answer()->status, 204U);
}

TEST(Server, OfAnAnswerThatHasNoBody_SendsNeitherBodyNorLength) {
  Served served;
  RawClient client(served.address());
  client.send(get("/empty") + get("/unchanged") + get("/hello"));
  for (const unsigned status : {204U, 304U}) {
    const auto answer = client.read_answer();
    EXPECT_EQ(answer->status, status);
    EXPECT_FALSE(answer->has("content-length"));
    EXPECT_FALSE(answer->has("transfer-encoding"));
  }
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Server, OfAPathOrMethodThatIsNotThere_SaysSo) {
  Served served;
  RawClient client(served.address());
  client.send(get("/nowhere") + "DELETE /hello HTTP/1.1\r\nHost: test\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read_answer()->status, 404U);
  const auto answer = client.read_answer();
  EXPECT_EQ(answer->status, 405U);
  EXPECT_EQ(answer->header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(answer->header("content-type"), "application/problem+json");
  EXPECT_EQ(client.read_answer()->status, 200U);
}

TEST(Server, WithTheBodyOfAnUnknownRoute_ReadsAndDropsIt) {
  Served served;
  RawClient client(served.address());
  client.send(post("/nowhere", get("/hello")) + get("/hello"));
  EXPECT_EQ(client.read_answer()->status, 404U);
  EXPECT_EQ(client.read_answer()->body, "hello");
  EXPECT_EQ(served.handled(), 1);
}

TEST(Server, OfHttp10_ClosesUnlessAskedToKeepTheConnection) {
  Served served;
  RawClient closing(served.address());
  closing.send("GET /hello HTTP/1.0\r\n\r\n" + get("/hello"));
  EXPECT_EQ(closing.read_answer()->header("connection"), "close");
  EXPECT_TRUE(closing.is_at_end());
  RawClient keeping(served.address());
  for (int i = 0; i < 3; ++i) {
    keeping.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeping.read_answer()->header("connection"), "keep-alive");
  }
}

TEST(Server, OfConnectionClose_ClosesAfterTheAnswer) {
  Served served;
  RawClient client(served.address());
  client.send(get("/hello", "Connection: close\r\n") + get("/hello"));
  EXPECT_EQ(client.read_answer()->header("connection"), "close");
  EXPECT_TRUE(client.is_at_end());
  EXPECT_EQ(served.handled(), 1);
}

TEST(Server, OfAClientThatOnlyReadsOn_AnswersIt) {
  Served served;
  RawClient client(served.address());
  client.send(get("/hello"));
  client.finish_sending();
  EXPECT_EQ(client.read_answer()->body, "hello");
  EXPECT_TRUE(client.is_at_end());
}

TEST(Server, OfARequestId_TakesTheCallersOrMakesOne) {
  Served served;
  RawClient client(served.address());
  const std::string longest(64, 'a');
  for (const std::string& id : {std::string("aZ09._-"), longest}) {
    client.send(get("/describe", "X-Request-Id: " + id + "\r\n"));
    const auto answer = client.read_answer();
    EXPECT_EQ(answer->header("x-request-id"), id);
    EXPECT_THAT(answer->body, HasSubstr("id=" + id + "\n"));
  }
  std::set<std::string> made;
  for (const std::string& id : {std::string(""), longest + "a", std::string("a b"),
                                std::string("\u00e9"), std::string("a,b"), std::string("\"a\"")}) {
    client.send(get("/describe", "X-Request-Id: " + id + "\r\n"));
    const auto answer = client.read_answer();
    EXPECT_NE(answer->header("x-request-id"), id);
    EXPECT_THAT(answer->body, HasSubstr("id=" + answer->header("x-request-id") + "\n"));
    made.insert(answer->header("x-request-id"));
  }
  EXPECT_EQ(made.size(), 6U);
}

TEST(Server, OfATraceparent_TakesOnlyAWellFormedOne) {
  Served served;
  RawClient client(served.address());
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  client.send(get("/describe", "traceparent: " + good + "\r\n"));
  EXPECT_THAT(client.read_answer()->body, HasSubstr("\ntrace=" + good + "\n"));
  for (const char* bad : {"", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                          "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                          "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"}) {
    client.send(get("/describe", "traceparent: " + std::string(bad) + "\r\n"));
    EXPECT_THAT(client.read_answer()->body, HasSubstr("\ntrace=\n")) << bad;
  }
}

TEST(Server, OfARequest_TellsTheHandlerWhereItIsFrom) {
  Served served({}, 1, {{"127.0.0.1:0"}, {"127.0.0.1:0", ListenerKind::verify}});
  RawClient client(served.address(0));
  client.send(get("http://test/describe?x=1") + get("/describe/a%20b"));
  const std::string body = client.read_answer()->body;
  EXPECT_THAT(body, HasSubstr("\nfrom=127.0.0.1\nloopback\nmain\npath=/describe\nquery=x=1\n"));
  EXPECT_THAT(client.read_answer()->body, HasSubstr("\nparameter=a b"));
  RawClient verifying(served.address(1));
  verifying.send(get("/describe") + get("/hello"));
  EXPECT_THAT(verifying.read_answer()->body, HasSubstr("\nverify\n"));
  EXPECT_EQ(verifying.read_answer()->status, 404U);
}

TEST(Server, OfAHandlerThatThrows_Answers500AndLivesOn) {
  Served served;
  RawClient client(served.address());
  for (const char* path : {"/throws", "/throws-later", "/throws-a-number"}) {
    client.send(get(path, "X-Request-Id: thrown\r\n"));
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 500U);
    EXPECT_THAT(answer->body, Not(HasSubstr("broken")));
    EXPECT_THAT(answer->body, HasSubstr("\"thrown\""));
  }
  client.send(get("/hello"));
  EXPECT_EQ(client.read_answer()->status, 200U);
  const auto seen = served.seen(4);
  EXPECT_EQ(seen.at(0).log_text, "broken");
  EXPECT_EQ(seen.at(1).log_text, "broken in the pool");
  EXPECT_NE(seen.at(2).log_text, "");
}

TEST(Server, OfAHandlersHeaderWithLineEnds_InjectsNothing) {
  Served served;
  RawClient client(served.address());
  client.send(get("/split") + get("/hello"));
  const auto answer = client.read_answer();
  EXPECT_FALSE(answer->has("x-injected"));
  EXPECT_THAT(answer->header("x-name"), StartsWith("a  X-Injected: yes"));
  EXPECT_EQ(answer->body, "one");
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Server, OfEachAnswer_TellsTheObserverOnce) {
  Served served;
  RawClient client(served.address());
  client.send(get("/describe/x") + get("/nowhere") + post("/pool", "x") + "garbage\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), HasSubstr("HTTP/1.1 400"));
  ASSERT_TRUE(served.wait_for_connections(1));
  client.close();
  ASSERT_TRUE(served.wait_for_connections(0));
  const auto seen = served.seen(4);
  std::vector<unsigned> statuses;
  std::vector<bool> routed;
  std::vector<std::size_t> parameters;
  std::set<std::string> ids;
  for (const auto& exchange : seen) {
    statuses.push_back(exchange.status);
    routed.push_back(exchange.routed);
    parameters.push_back(exchange.path_parameters);
    ids.insert(exchange.request_id);
  }
  EXPECT_THAT(statuses, ElementsAre(200, 404, 200, 400));
  EXPECT_THAT(routed, ElementsAre(true, false, true, false));
  EXPECT_THAT(parameters, ElementsAre(1, 0, 0, 0));
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_FALSE(ids.contains(""));
}

TEST(Server, OfALargeAnswerToASlowReader_SendsAllOfIt) {
  Served served;
  RawClient client(served.address(), /*receive_buffer_bytes=*/4096);
  client.send(get("/large") + get("/hello"));
  while (client.receive(1000)) {
    if (served.seen(1).size() > 1) break;  // The second answer begins when the first is out.
  }
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), kLargeBytes);
  EXPECT_EQ(answer->body.find_first_not_of('x'), std::string::npos);
  EXPECT_EQ(client.read_answer()->body, "hello");
}

TEST(Server, WithManyClientsOnSeveralThreads_AnswersEachItsOwn) {
  Served served({}, 3);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&served, &right, i] {
        for (int round = 0; round < 5; ++round) {
          RawClient client(served.address());
          for (int request = 0; request < 10; ++request) {
            const std::string body = std::to_string(i * 1000 + round * 100 + request);
            client.send(post(request % 3 == 0 ? "/pool" : "/echo", body));
            const auto answer = client.read_answer();
            if (answer && answer->body == body) ++right;
          }
        }
      });
    }
  }
  EXPECT_EQ(right, 8 * 5 * 10);
  EXPECT_EQ(served.seen(400).size(), 400U);
  EXPECT_EQ(served.server().stats().connections_accepted, 40U);
  EXPECT_TRUE(served.wait_for_connections(0));
}

TEST(Server, AskedWhatMayBeAnsweredAtOnce_AnswersAtOnceOrLater) {
  Served served;
  RawClient client(served.address());
  client.send(post("/eager", "now") + post("/eager", "later") + post("/eager", "throw"));
  EXPECT_EQ(client.read_answer()->body, "at once");
  EXPECT_EQ(client.read_answer()->body, "later");
  EXPECT_EQ(client.read_answer()->status, 500U);
}

}  // namespace
}  // namespace keyledger::http
