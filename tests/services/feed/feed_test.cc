#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projections/projector.h"
#include "services/feed/routes.h"
#include "services/http/server.h"
#include "services/security/token.h"
#include "tests/services/http/raw_client.h"
#include "tests/support/events.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::feed {
namespace {

using namespace std::chrono_literals;
using http::get;
using http::RawClient;
using testing::HasSubstr;

/// A feed of a log of which a test tells what it holds, on a real server.
class Served {
 public:
  explicit Served(std::chrono::milliseconds heartbeat = 1h, std::chrono::milliseconds patience = 1h,
                  http::Limits limits = {}, std::chrono::milliseconds catching_up = 1h)
      : source_{model_holder(), projector_->gate(), threads_,   logger_,
                heartbeat,      patience,           catching_up},
        server_(router_, limits, 1, [] { return std::uint64_t{0}; }, [](const auto&) {}) {
    tell({story.ledger_created(), story.writer_elected(), story.account_registered("acme"),
          story.key_created(key, "acme")});
    if (auto bound = server_.listen({{"127.0.0.1:0"}}); !bound) {
      throw std::runtime_error(bound.error().message);
    }
    server_.start();
  }
  ~Served() {
    server_.drain(10min);
    projector_->stop();
    threads_.join();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Story story;
  const KeyId key = nth_key_id(1);

  void tell(const std::vector<Event>& events) {
    append_events(log_, events);
    if (auto caught_up = projector_->catch_up([](const auto&) {}); !caught_up) {
      throw std::runtime_error(caught_up.error().message);
    }
  }
  /// More than the system takes for a reader who doesn't read.
  void tell_more_than_a_socket_holds() {
    for (int page = 0; page < 40; ++page) {
      std::vector<Event> events;
      for (int i = 0; i < 200; ++i) {
        events.push_back(story.about(key, KeyDescribed{Description{std::string(2000, 'x')}}));
      }
      tell(events);
    }
  }
  void rename(const std::string& name) { tell({story.about(key, KeyRenamed{{name}})}); }

  std::string address() const { return server_.addresses().front(); }
  std::string request(const std::string& query = "", std::chrono::seconds ttl = 1h) const {
    const auto now =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const security::Principal ada{"user-ada", AccountId{"acme"}, Username{"ada@example.com"}, 0x7f};
    return get(
        "/v1/events" + query,
        "Authorization: Bearer " + security::sign_token(ring_, ada, now, ttl).value() + "\r\n");
  }
  http::Server& server() { return server_; }
  const Stats& stats() const { return source_.stats; }
  /// Waits until it has; false if that takes too long.
  bool cuts_one_off() const {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (stats().cut_off == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return stats().cut_off == 1;
  }
  projections::PositionGate& gate() { return projector_->gate(); }

 private:
  const projections::ReadModel& model_holder() {
    projector_ = std::make_unique<projections::Projector>(log_, *model_, [](const Error&) {});
    admission_ = std::make_unique<api::Admission>(ring_, projector_->gate());
    return *model_;
  }

  log::MemoryLog log_;
  TemporaryDirectory directory_;
  security::KeyRing ring_ = security::KeyRing::generate();
  std::unique_ptr<projections::ReadModel> model_ =
      projections::open_read_model(directory_ / "read-model").value();
  std::unique_ptr<projections::Projector> projector_;
  std::unique_ptr<api::Admission> admission_;
  boost::asio::thread_pool threads_{1};
  logging::Logger logger_{logging::Level::error};
  Source source_;
  Routes routes_{source_, *admission_};
  http::Router router_{routes_.table()};
  http::Server server_;
};

/// What has come so far and what comes until it has `text`; throws when that doesn't come.
std::string read_until(RawClient& client, std::string_view text, std::string got = {}) {
  while (got.find(text) == std::string::npos) {
    if (!client.receive()) throw std::runtime_error("it ended with: " + got);
    got += client.take();
  }
  return got;
}

TEST(Feed, CatchesUpAndGoesOnLive) {
  Served served;
  RawClient client(served.address());
  client.send(served.request("?after=3"));
  const auto past = read_until(client, "KeyCreated");
  EXPECT_THAT(past, HasSubstr("id: 4\ndata: {"));
  EXPECT_THAT(past, testing::Not(HasSubstr("AccountRegistered")));
  served.rename("new");
  EXPECT_THAT(read_until(client, "KeyRenamed"), HasSubstr("id: 5\ndata: {"));
}

TEST(Feed, ThatIsSilent_HasHeartbeatsThatSayHowFarItLooked) {
  Served served(1ms);
  RawClient client(served.address());
  client.send(served.request("?type=Nope"));
  read_until(client, ": heartbeat\nid: 4\n\n");
}

TEST(Feed, WhoseTokenIsNoLongerGood_Ends) {
  Served served(1ms);
  RawClient client(served.address());
  // Tokens have 30 s of leeway: this one's end is a moment away, or here.
  client.send(served.request("", -27s));
  std::string got = read_until(client, "event: end");
  got += client.read_to_end();
  EXPECT_THAT(got, HasSubstr("id: 4\n"));
  EXPECT_THAT(got,
              HasSubstr(R"({"reason":"the credentials are no longer good","code":"credentials"})"));
  EXPECT_THAT(got, testing::EndsWith("0\r\n\r\n"));
}

TEST(Feed, OfASlowReader_IsCutOffWithAReason) {
  Served served(1h, 1ms);
  served.tell_more_than_a_socket_holds();
  RawClient client(served.address(), 4096);
  client.send(served.request());
  std::string got;
  while (served.stats().cut_off == 0 && client.receive(4096)) {
    std::this_thread::sleep_for(1ms);  // So slow is this one: a page is more than it takes in that.
    got = client.take();
  }
  got += client.read_to_end();
  got.erase(0, got.size() - std::min<std::size_t>(got.size(), 500));
  EXPECT_THAT(got, HasSubstr("event: end\ndata: {\"reason\":\"too slow"));
  EXPECT_EQ(served.stats().cut_off, 1U);
}

TEST(Feed, OfAReaderWhoStopped_IsCutOffWithoutOne) {
  http::Limits limits;
  limits.write_timeout = 1ms;
  Served served(1h, 1ms, limits);
  served.tell_more_than_a_socket_holds();
  RawClient client(served.address(), 4096);
  client.send(served.request());
  EXPECT_TRUE(served.cuts_one_off());
}

TEST(Feed, WhosePageFindsNoMemory_EndsAndOthersGoOn) {
  Served served(1h, 1h, {.answer_memory = 0, .stream_memory = 0});
  served.tell_more_than_a_socket_holds();
  RawClient client(served.address(), 4096);
  client.send(served.request());
  EXPECT_TRUE(served.cuts_one_off());
  EXPECT_EQ(served.server().stats().refused_for_memory, 1U);
  RawClient live(served.address());
  live.send(served.request("?after=8004"));
  read_until(live, "id: 8004\n\n");
  served.rename("new");
  read_until(live, "KeyRenamed");
}

/// What a new subscriber gets, as far as the last event that was told or the end: the last of it.
std::string catch_up(const Served& served) {
  RawClient client(served.address());
  client.send(served.request());
  std::string last;
  while (last.find("id: 8004\ndata") == std::string::npos && client.receive()) {
    last = last.substr(last.size() - std::min(last.size(), std::size_t{20})) + client.take();
  }
  return last;
}

TEST(Feed, OfASlowReader_HoldsAPageOnceAndNoLongerThanIsNeeded) {
  // As much as a page of 48 KiB needs, and less than two.
  Served served(1h, 1h, {.stream_memory = std::size_t{100} * 1024});
  served.tell_more_than_a_socket_holds();
  EXPECT_THAT(catch_up(served), HasSubstr("id: 8004\ndata"));
  {
    RawClient slow(served.address(), 4096);
    slow.send(served.request());
    RawClient another(served.address(), 4096);
    another.send(served.request());
    EXPECT_TRUE(served.cuts_one_off());
  }
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  std::string last;
  while (last.find("id: 8004\ndata") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline) {
    last = catch_up(served);
  }
  EXPECT_THAT(last, HasSubstr("id: 8004\ndata"));
}

TEST(Feed, ResumedBeyondTheEndOfARestoredLog_SaysSo) {
  Served served(1h, 1h, {}, 1ms);
  RawClient client(served.address());
  client.send(served.request("?after=5"));
  EXPECT_THAT(client.read_to_end(), HasSubstr("\"code\":\"beyond-end\"}\n\n"));
}

TEST(Feed, OfANodeThatIsBehindAnother_GoesOnWhenItHasCaughtUp) {
  Served served;
  RawClient client(served.address());
  client.send(served.request("?after=5"));
  read_until(client, "id: 5\n\n");
  served.rename("the fifth");
  served.rename("the sixth");
  EXPECT_THAT(read_until(client, "KeyRenamed"), HasSubstr("id: 6\ndata: {"));
}

TEST(Feed, WhenTheServerDrains_SaysSoAndEnds) {
  Served served;
  RawClient client(served.address());
  client.send(served.request());
  read_until(client, "KeyCreated");
  std::jthread draining([&] { served.server().drain(10min); });
  const std::string last = client.read_to_end();
  client.close();
  EXPECT_THAT(last, HasSubstr("event: end\ndata: {\"reason\":\"this node is stopping"));
}

TEST(Feed, WhoseClientGoes_EndsWithoutAnotherEvent) {
  Served served;
  {
    RawClient client(served.address());
    client.send(served.request());
    read_until(client, "KeyCreated");
    EXPECT_EQ(served.stats().subscribers, 1);
  }
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (served.stats().subscribers != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(served.stats().subscribers, 0);
}

TEST(Feed, ToAnHttp10Client_EndsWithTheConnection) {
  Served served;
  RawClient client(served.address());
  std::string request = served.request();
  client.send(request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0"));
  const auto head = read_until(client, "\n\nid: 3");
  EXPECT_THAT(head, testing::Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(head, HasSubstr("\r\n\r\nretry: 2000\nid: 0\n\n"));
}

}  // namespace
}  // namespace keyledger::feed
