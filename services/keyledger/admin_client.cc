#include "services/keyledger/admin_client.h"

#include <chrono>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/keyledger/admin_socket.h"

namespace keyledger {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::chrono::hours kAnswerWithin{1};

}  // namespace

std::optional<Result<ordered_json>> ask_node(const DataDir& data, const json& request) {
  auto connection = connect_to(data.admin_socket());
  if (!connection) return fail(std::move(connection.error()));
  if (!*connection) return std::nullopt;
  const auto deadline = std::chrono::steady_clock::now() + kAnswerWithin;
  auto sent = write_line(**connection, request.dump(-1, ' ', false, json::error_handler_t::replace),
                         deadline);
  if (!sent) return fail(std::move(sent.error()));
  const auto line = read_line(**connection, deadline);
  if (!line) return fail(Errc::io, "the node gave no answer: " + line.error().message);
  auto answer = ordered_json::parse(*line, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return fail(Errc::malformed, "the node's answer can't be understood");
  if (const auto error = answer.find("error"); error != answer.end()) {
    return fail(Errc::invalid, error->is_string() ? error->get<std::string>() : error->dump());
  }
  return answer;
}

}  // namespace keyledger
