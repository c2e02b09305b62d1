#include "services/verify/routes.h"

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "events/key_value.h"
#include "projections/projector.h"
#include "tests/support/events.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::verify {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// What is asked without a server by somebody on this machine, of a ledger with one key.
class Verification : public testing::Test {
 protected:
  Verification() {
    KeyCreated fact{nth_key_id(1), KeyName{"bü 1"}, std::nullopt, true, std::nullopt, {}, {}};
    fact.digest = security::Hmac(ring_.pepper())(value_);
    append_events(log_, {story_.ledger_created(), story_.writer_elected(),
                         story_.account_registered("acme", "a%b@é"), story_.key_created(fact)});
    if (auto caught_up = projector_.catch_up([](const auto&) {}); !caught_up) {
      throw std::runtime_error(caught_up.error().message);
    }
  }
  ~Verification() override { threads_.join(); }

  http::Request request(std::string_view path) const {
    http::Request request;
    request.method = http::Method::post;
    request.path = path;
    request.from_loopback = true;
    request.request_id = "request-1";
    return request;
  }

  http::Response ask(http::Request request) {
    const auto match = router_.find(request.method, request.path, request.listener);
    if (match.route == nullptr) throw std::runtime_error("no route");
    const auto& handler = std::get<http::EagerHandler>(match.route->handler);
    if (auto at_once = handler.at_once(request)) return std::move(*at_once);
    auto answer = boost::asio::co_spawn(threads_, handler.later(request), boost::asio::use_future);
    if (answer.wait_for(std::chrono::seconds{60}) != std::future_status::ready) {
      throw std::runtime_error("no answer");
    }
    return answer.get();
  }

  http::Response post(std::string_view path, const std::string& body) {
    http::Request request = this->request(path);
    request.body = body;
    request.headers = {{"Content-Type", "application/json"}};
    return ask(std::move(request));
  }

  http::Response forward(std::string_view header, const std::string& value) {
    http::Request request = this->request("/v1/forward-auth");
    request.headers = {{header, value}};
    return ask(std::move(request));
  }

  /// The pointers of the rules that a body breaks.
  std::vector<std::string> broken(std::string_view path, const std::string& body) {
    const auto response = post(path, body);
    EXPECT_EQ(response.status, 422u) << response.body;
    std::vector<std::string> pointers;
    const json problem = json::parse(response.body);
    for (const auto& error : problem["errors"]) pointers.push_back(error["pointer"]);
    return pointers;
  }

  const std::string value_ = make_key_value("kl", KeyEntropy{});
  Story story_;
  log::MemoryLog log_;
  TemporaryDirectory directory_;
  security::KeyRing ring_ = security::KeyRing::generate();
  std::unique_ptr<projections::ReadModel> model_ =
      projections::open_read_model(directory_ / "read-model").value();
  projections::Projector projector_{log_, *model_, [](const Error&) {}};
  api::Admission admission_{ring_, projector_.gate()};
  bool fresh_ = true;
  Verifier verifier_{*model_, ring_.pepper(), "kl", [this] { return fresh_; }};
  logging::Logger logger_{logging::Level::error};
  boost::asio::thread_pool threads_{1};
  Routes routes_{verifier_,  *model_,
                 admission_, [this] { return projector_.gate().position().value; },
                 threads_,   logger_};
  http::Router router_{routes_.table()};
};

TEST_F(Verification, OfOneKey_AnswersAtAPosition) {
  const auto answer = json::parse(post("/v1/verify", R"({"key":")" + value_ + "\"}").body);
  EXPECT_EQ(answer["code"], "VALID");
  EXPECT_EQ(answer["position"], 4);
}

TEST_F(Verification, OfManyKeys_AnswersInTheirOrder) {
  const auto response =
      post("/v1/verify/batch", R"({"keys":[{"key":"x"},{"key":")" + value_ + R"("},{"key":")" +
                                   value_ + R"(","username":"bob"}]})");
  ASSERT_EQ(response.status, 200u) << response.body;
  const json answer = json::parse(response.body);
  EXPECT_EQ(answer["results"][0]["code"], "MALFORMED");
  EXPECT_EQ(answer["results"][1]["code"], "VALID");
  EXPECT_EQ(answer["results"][2]["code"], "USERNAME_MISMATCH");
}

TEST_F(Verification, WithABodyThatBreaksRules_PointsAtEach) {
  using Pointers = std::vector<std::string>;
  EXPECT_EQ(broken("/v1/verify", "[]"), Pointers{""});
  EXPECT_EQ(broken("/v1/verify", R"({"username":"a"})"), Pointers{"/key"});
  EXPECT_EQ(broken("/v1/verify", R"({"key":7})"), Pointers{"/key"});
  EXPECT_EQ(broken("/v1/verify", R"({"key":"x","username":null})"), Pointers{"/username"});
  EXPECT_EQ(broken("/v1/verify", R"({"key":"x","a/b~c":1})"), Pointers{"/a~1b~0c"});
  EXPECT_EQ(broken("/v1/verify/batch", R"({"keys":[{"key":"x"},7,{"a/b":1}]})"),
            (Pointers{"/keys/1", "/keys/2/a~1b", "/keys/2/key"}));
  EXPECT_EQ(broken("/v1/verify/batch", R"({"keys":{}})"), Pointers{"/keys"});
}

TEST_F(Verification, FromElsewhereWithoutAToken_IsRefused) {
  http::Request request = this->request("/v1/verify");
  request.from_loopback = false;
  EXPECT_EQ(ask(request).status, 401u);
  request.path = "/v1/forward-auth";
  EXPECT_EQ(ask(request).status, 404u);
}

TEST_F(Verification, ForAProxy_TellsWhoseKeyItIsInHeaders) {
  const auto response = forward("X-API-Key", value_);
  EXPECT_EQ(response.status, 200u);
  EXPECT_THAT(response.headers, HasSubstr("X-Keyledger-Account: acme\r\n"));
  EXPECT_THAT(response.headers, HasSubstr("X-Keyledger-Username: a%25b@%C3%A9\r\n"));
  EXPECT_THAT(response.headers, HasSubstr("X-Keyledger-Key-Id: " + nth_key_id(1).value + "\r\n"));
  EXPECT_THAT(response.headers, HasSubstr("X-Keyledger-Key-Name: b%C3%BC%201\r\n"));
}

TEST_F(Verification, ForAProxy_IsRefusedInTheSameWordsForEveryReason) {
  const auto garbage = forward("X-API-Key", "garbage");
  const auto unknown = forward("Authorization", "Basic !!!!");
  const auto nobody = forward("X-Other", "");
  EXPECT_EQ(garbage.status, 401u);
  EXPECT_THAT(garbage.headers,
              HasSubstr("WWW-Authenticate: Basic realm=\"keyledger\", charset=\"UTF-8\"\r\n"));
  EXPECT_THAT(garbage.headers, Not(HasSubstr("X-Keyledger")));
  for (const auto& other : {unknown, nobody}) {
    EXPECT_EQ(other.status, garbage.status);
    EXPECT_EQ(other.headers, garbage.headers);
    EXPECT_EQ(other.body, garbage.body);
  }
}

TEST_F(Verification, OnAStaleModel_IsUnavailable) {
  fresh_ = false;
  EXPECT_EQ(post("/v1/verify", R"({"key":")" + value_ + "\"}").status, 503u);
  EXPECT_EQ(forward("X-API-Key", value_).status, 503u);
}

}  // namespace
}  // namespace keyledger::verify
