#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "events/result.h"
#include "services/http/message.h"

namespace keyledger::http {

/// The proxies whose word is taken for whom they pass requests on for. Immutable; any thread.
class TrustedProxies {
 public:
  /// None.
  TrustedProxies() = default;

  /// Each is an address, or a network: "10.0.0.7", "10.1.0.0/16", "fd00::/8". Errors: invalid.
  static Result<TrustedProxies> parse(const std::vector<std::string>& networks);

  bool empty() const { return networks_.empty(); }
  bool contains(const boost::asio::ip::address& address) const;

  /// Whom a trusted peer passes `request` on for: of `X-Forwarded-For`, whose entries each proxy
  /// appends to, the last that isn't one of these proxies. Nothing where it doesn't say.
  std::optional<std::string_view> client_of(const Request& request) const;

 private:
  /// As IPv6; IPv4 is mapped into it.
  struct Network {
    boost::asio::ip::address_v6::bytes_type bytes;
    unsigned bits;
  };

  std::vector<Network> networks_;
};

/// What a trusted peer says that the client speaks: "https" or "http" (`X-Forwarded-Proto`).
bool is_forwarded_secure(const Request& request);

}  // namespace keyledger::http
