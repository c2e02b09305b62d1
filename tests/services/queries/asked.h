#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include "projections/projector.h"
#include "projections/read_model.h"
#include "services/api/admission.h"
#include "services/http/router.h"
#include "services/queries/routes.h"
#include "services/security/token.h"
#include "tests/support/events.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::queries {

/// The answers to queries on a read model that has applied what was told, asked without a server.
class Asked {
 public:
  Asked() { tell({story.ledger_created(), story.writer_elected()}); }
  ~Asked() { threads_.join(); }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  Story story;

  void tell(const std::vector<Event>& events) {
    append_events(log_, events);
    if (auto caught_up = projector_.catch_up([](const auto&) {}); !caught_up) {
      throw std::runtime_error(caught_up.error().message);
    }
  }

  using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

  /// GET of `path` by somebody of the account `as`, who has every scope.
  http::Response get(std::string_view path, std::string_view query = {}, Headers headers = {},
                     std::string_view as = "acme") {
    auto match = router_.find(http::Method::get, path, http::ListenerKind::main);
    if (match.route == nullptr) throw std::runtime_error("no route");
    const std::string authorization = "Bearer " + token(as);
    headers.emplace_back("Authorization", authorization);
    http::Request request;
    request.path = path;
    request.query = query;
    request.headers = std::move(headers);
    request.path_parameters = std::move(match.parameters);
    request.request_id = "request-1";
    request.deadline = std::chrono::steady_clock::now();
    const auto& handler = std::get<http::AsyncHandler>(match.route->handler);
    auto answer = boost::asio::co_spawn(threads_, handler(request), boost::asio::use_future);
    if (answer.wait_for(std::chrono::seconds{60}) != std::future_status::ready) {
      throw std::runtime_error("no answer");
    }
    return answer.get();
  }

 private:
  std::string token(std::string_view account) const {
    const auto now =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const security::Principal ada{"user-ada", AccountId{std::string(account)},
                                  Username{"ada@example.com"}, 0x7f};
    return security::sign_token(ring_, ada, now, std::chrono::hours{1}).value();
  }

  log::MemoryLog log_;
  TemporaryDirectory directory_;
  security::KeyRing ring_ = security::KeyRing::generate();
  std::unique_ptr<projections::ReadModel> model_ =
      projections::open_read_model(directory_ / "read-model").value();
  projections::Projector projector_{log_, *model_, [](const Error&) {}};
  api::Admission admission_{ring_, projector_.gate()};
  boost::asio::thread_pool threads_{2};
  Routes routes_{*model_, admission_, ring_, threads_};
  http::Router router_{routes_.table()};
};

inline nlohmann::json json_of(const http::Response& response) {
  return nlohmann::json::parse(response.body);
}

}  // namespace keyledger::queries
