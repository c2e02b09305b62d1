#include "services/http/trusted_proxies.h"

#include <gtest/gtest.h>

namespace keyledger::http {
namespace {

TrustedProxies proxies(const std::vector<std::string>& networks) {
  return *TrustedProxies::parse(networks);
}

bool contains(const std::vector<std::string>& networks, const char* address) {
  return proxies(networks).contains(boost::asio::ip::make_address(address));
}

std::string client(const std::vector<std::string_view>& headers) {
  Request request;
  for (const auto value : headers) request.headers.emplace_back("X-Forwarded-For", value);
  return std::string(
      proxies({"10.0.0.0/8", "fd00::/8", "127.0.0.1"}).client_of(request).value_or("unknown"));
}

TEST(TrustedProxies, AreThoseOfTheirNetworks) {
  EXPECT_TRUE(contains({"10.1.0.0/16"}, "10.1.255.1"));
  EXPECT_FALSE(contains({"10.1.0.0/16"}, "10.2.0.1"));
  EXPECT_TRUE(contains({"10.1.2.0/23"}, "10.1.3.9"));
  EXPECT_FALSE(contains({"10.1.2.0/23"}, "10.1.4.0"));
  EXPECT_TRUE(contains({"10.0.0.7"}, "10.0.0.7"));
  EXPECT_FALSE(contains({"10.0.0.7"}, "10.0.0.8"));
  EXPECT_TRUE(contains({"10.0.0.7"}, "::ffff:10.0.0.7"));
  EXPECT_TRUE(contains({"fd00::/8"}, "fdff::1"));
  EXPECT_FALSE(contains({"fd00::/8"}, "fe00::1"));
  EXPECT_FALSE(contains({"0.0.0.0/0"}, "2001:db8::1"));
  EXPECT_TRUE(contains({"0.0.0.0/0"}, "192.0.2.1"));
  EXPECT_FALSE(TrustedProxies().contains(boost::asio::ip::make_address("127.0.0.1")));
}

TEST(TrustedProxies, OfWhatIsNoNetwork_RefuseIt) {
  for (const char* text : {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
                           "10.0.0/8", "::/129", "10.0.0.0/8x", "/8"}) {
    EXPECT_FALSE(TrustedProxies::parse({text})) << text;
  }
}

TEST(TheClientOfATrustedProxy, IsTheLastThatIsNoProxyItself) {
  EXPECT_EQ(client({"192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client({"198.51.100.9, 192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client({"198.51.100.9,192.0.2.1 , 10.0.0.7"}), "192.0.2.1");
  EXPECT_EQ(client({"198.51.100.9", "192.0.2.1", "10.0.0.7, fd00::1"}), "192.0.2.1");
  EXPECT_EQ(client({"10.0.0.1, 10.0.0.2"}), "10.0.0.1");
}

TEST(TheClientOfATrustedProxy, MayHaveAPort) {
  EXPECT_EQ(client({"192.0.2.1:4711"}), "192.0.2.1");
  EXPECT_EQ(client({"[2001:db8::1]:4711"}), "2001:db8::1");
  EXPECT_EQ(client({"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(client({"2001:db8::1"}), "2001:db8::1");
}

TEST(TheClientOfATrustedProxy, IsUnknownWhereItIsNotSaid) {
  for (const char* value :
       {"", "unknown", "_hidden", "192.0.2.1, x", "192.0.2.1,", "[", "[]", ":", "192.0.2.1:"}) {
    const std::string found = client({value});
    EXPECT_TRUE(found == "unknown" || found == "192.0.2.1") << value << " " << found;
  }
  EXPECT_EQ(client({}), "unknown");
  EXPECT_EQ(client({"192.0.2.1, x"}), "unknown");
  EXPECT_EQ(client({"x, 192.0.2.1"}), "192.0.2.1");
}

TEST(AForwardedRequest, IsSecureOnlyWhereThatIsSaidOnce) {
  Request request;
  EXPECT_FALSE(is_forwarded_secure(request));
  request.headers = {{"X-Forwarded-Proto", "https"}};
  EXPECT_TRUE(is_forwarded_secure(request));
  request.headers = {{"X-Forwarded-Proto", "http"}};
  EXPECT_FALSE(is_forwarded_secure(request));
  request.headers = {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "http"}};
  EXPECT_FALSE(is_forwarded_secure(request));
}

}  // namespace
}  // namespace keyledger::http
