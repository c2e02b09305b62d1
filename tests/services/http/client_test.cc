#include "services/http/client.h"

#include <array>
#include <future>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "tests/services/http/served.h"

namespace keyledger::http {
namespace {

using tcp = boost::asio::ip::tcp;
using std::chrono::steady_clock;

class ClientOfAServer : public testing::Test {
 protected:
  Result<ClientResponse> send(const std::string& origin, ClientRequest request,
                              std::chrono::milliseconds within = std::chrono::seconds{30}) {
    auto future = boost::asio::co_spawn(
        io_, client_.send(origin, std::move(request), steady_clock::now() + within),
        boost::asio::use_future);
    io_.restart();
    io_.run();
    return future.get();
  }

  boost::asio::io_context io_;
  Client client_;
};

/// Takes one connection after the other, and does with it what it is told.
class Peer {
 public:
  enum class Does { say_nothing, close_at_once, answer_half };
  explicit Peer(Does does) : does_(does), thread_([this] { run(); }) {}
  ~Peer() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  std::string origin() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  void run() {
    std::vector<tcp::socket> sockets;
    for (;;) {
      boost::system::error_code ec;
      tcp::socket socket = acceptor_.accept(ec);
      if (ec) return;
      if (does_ == Does::answer_half) {
        std::array<char, 1024> request{};
        socket.read_some(boost::asio::buffer(request), ec);
        const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
        boost::asio::write(socket, boost::asio::buffer(half), ec);
      }
      if (does_ == Does::say_nothing) sockets.push_back(std::move(socket));
    }
  }

  const Does does_;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  std::thread thread_;
};

TEST_F(ClientOfAServer, OfARequest_GetsTheWholeAnswerOnAConnectionThatItKeeps) {
  Served served;
  const std::string origin = "http://" + served.address();
  for (int i = 0; i < 3; ++i) {
    const auto answer = send(origin, {"POST", "/echo", {{"Content-Type", "text/plain"}}, "abc"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200U);
    EXPECT_EQ(answer->body, "abc");
    EXPECT_EQ(answer->header("KEYLEDGER-position"), "42");
  }
  EXPECT_EQ(served.server().stats().connections_accepted, 1U);
}

TEST_F(ClientOfAServer, WhoseServerIsGone_SaysThatNothingWasSent) {
  std::string origin;
  {
    Served served;
    origin = "http://" + served.address();
    ASSERT_TRUE(send(origin, {"GET", "/hello", {}, ""}));
  }
  const auto answer = send(origin, {"GET", "/hello", {}, ""});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
}

TEST_F(ClientOfAServer, ThatGivesNoWholeAnswer_SaysThatTheOutcomeIsUnknown) {
  for (const auto does :
       {Peer::Does::say_nothing, Peer::Does::close_at_once, Peer::Does::answer_half}) {
    Peer peer(does);
    const auto answer =
        send(peer.origin(), {"POST", "/echo", {}, "abc"}, std::chrono::milliseconds{300});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::outcome_unknown) << answer.error().message;
  }
}

TEST_F(ClientOfAServer, OfWhatIsNoUrl_RefusesIt) {
  for (const char* origin : {"", "http://", "ftp://127.0.0.1", "https://", "127.0.0.1:80",
                             "http://a/b", "http://user@a", "http://:80", "http://a:"}) {
    const auto answer = send(origin, {"GET", "/", {}, ""});
    ASSERT_FALSE(answer) << origin;
    EXPECT_EQ(answer.error().code, Errc::invalid) << origin;
  }
}

}  // namespace
}  // namespace keyledger::http
