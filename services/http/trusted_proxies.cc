#include "services/http/trusted_proxies.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "services/http/text.h"

namespace keyledger::http {
namespace {

namespace ip = boost::asio::ip;

constexpr unsigned kMappedBits = 96;
constexpr unsigned kAllBits = 128;

ip::address_v6::bytes_type bytes_of(const ip::address& address) {
  const auto whole =
      address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : address.to_v6();
  return whole.to_bytes();
}

std::optional<ip::address> parse_address(std::string_view text) {
  if (text.contains('%')) return std::nullopt;  // A zone is this machine's affair, and any text.
  boost::system::error_code ec;
  auto address = ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

/// "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]:4711": the address alone.
std::string_view without_port(std::string_view entry) {
  if (entry.starts_with('[')) return entry.substr(1, std::max<std::size_t>(entry.find(']'), 1) - 1);
  const auto colon = entry.find(':');
  const bool is_v6 = colon != entry.npos && entry.find(':', colon + 1) != entry.npos;
  return is_v6 ? entry : entry.substr(0, colon);
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& networks) {
  TrustedProxies proxies;
  for (const std::string& text : networks) {
    const auto slash = text.find('/');
    const auto address = parse_address(std::string_view(text).substr(0, slash));
    const unsigned most = address && address->is_v4() ? kAllBits - kMappedBits : kAllBits;
    unsigned bits = most;
    if (slash != std::string::npos) {
      const char* const end = text.data() + text.size();
      const auto read = std::from_chars(text.data() + slash + 1, end, bits);
      if (read.ec != std::errc{} || read.ptr != end) bits = kAllBits + 1;
    }
    if (!address || bits > most) {
      return fail(Errc::invalid, text + " is no address or network, as in 10.1.0.0/16");
    }
    proxies.networks_.push_back({bytes_of(*address), bits + kAllBits - most});
  }
  return proxies;
}

bool TrustedProxies::contains(const ip::address& address) const {
  const auto bytes = bytes_of(address);
  return std::ranges::any_of(networks_, [&bytes](const Network& network) {
    const std::size_t whole = network.bits / 8;
    const unsigned rest = network.bits % 8;
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    network.bytes.begin())) {
      return false;
    }
    return rest == 0 || ((bytes.at(whole) ^ network.bytes.at(whole)) >> (8U - rest)) == 0;
  });
}

std::optional<std::string_view> TrustedProxies::client_of(const Request& request) const {
  std::optional<std::string_view> client;
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (!same_token(header->first, "x-forwarded-for")) continue;
    for (std::string_view rest = header->second;;) {
      const auto comma = rest.rfind(',');
      const auto entry = comma == rest.npos ? rest : rest.substr(comma + 1);
      const std::string_view text = without_port(trim(entry));
      const auto address = parse_address(text);
      if (!address) return std::nullopt;
      client = text;
      if (!contains(*address)) return client;
      if (comma == rest.npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return client;  // One of the proxies asks for itself.
}

bool is_forwarded_secure(const Request& request) {
  return request.count("x-forwarded-proto") == 1 &&
         same_token(trim(request.header("x-forwarded-proto")), "https");
}

}  // namespace keyledger::http
