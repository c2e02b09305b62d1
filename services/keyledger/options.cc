#include "services/keyledger/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "events/key_value.h"
#include "events/vocabulary.h"
#include "services/http/trusted_proxies.h"

namespace keyledger {
namespace {

/// Ten years: deadlines are counted in nanoseconds, which must not overflow.
constexpr std::int64_t kMaxDurationMs = 3650LL * 86'400'000;
/// Each erasure rewrites files: not over and over.
constexpr std::chrono::milliseconds kLeastErasure{100};
constexpr std::uint64_t kMaxCacheBytes = std::uint64_t{1} << 44U;

/// "500ms", "10s", "2m", "1h", "1d" become a number of milliseconds.
std::string read_duration(std::string& text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, count);
  const auto unit = std::ranges::find(kUnits, std::string_view(read.ptr, end),
                                      &std::pair<std::string_view, std::int64_t>::first);
  if (read.ec != std::errc{} || count < 0 || unit == kUnits.end()) {
    return text + " is not a duration, as in 500ms, 10s, 2m, 1h or 1d";
  }
  if (count > kMaxDurationMs / unit->second) return text + " is longer than ten years";
  text = std::to_string(count * unit->second);
  return "";
}

/// CLI11 takes a unit alone for none of it, and a minus for a very large size.
std::string check_digit(std::string& text) {
  const bool fits = !text.empty() && text.front() >= '0' && text.front() <= '9';
  return fits ? "" : text + " does not begin with a number";
}

/// "10s", "1h": in the largest unit that leaves no rest.
std::string duration_text(std::chrono::milliseconds duration) {
  const std::int64_t count = duration.count();
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count % 1000 == 0) return std::to_string(count / 1000) + "s";
  return std::to_string(count) + "ms";
}

/// "127.0.0.1:8080", "[::1]:0": what stands before the port is the system's to judge.
std::string check_address(const std::string& address) {
  const auto colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const char* const end = port.data() + port.size();
  std::uint16_t number = 0;
  const auto read = std::from_chars(port.data(), end, number);
  if (colon != 0 && read.ec == std::errc{} && read.ptr == end) return "";
  return address + " is not an address and a port from 0 to 65535, as in 127.0.0.1:8080";
}

std::string check_prefix(const std::string& prefix) {
  return is_key_prefix(prefix) ? "" : "must be a letter and up to 15 letters and digits";
}

/// Checks a text that a type of the vocabulary parses.
template <typename Value>
std::string check_value(const std::string& text) {
  const auto value = Value::parse(text);
  return value ? "" : value.error().message;
}

/// A file, or a URL whose answer nobody on the way can exchange.
std::string check_jwks(const std::string& source) {
  constexpr std::string_view kPlain = "http://";
  if (!source.starts_with(kPlain)) return source.empty() ? "must be a file or a URL" : "";
  const std::string_view rest = std::string_view(source).substr(kPlain.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"}) {
    const bool is_it = authority == host || (authority.starts_with(host) &&
                                             authority.substr(host.size()).starts_with(":"));
    if (is_it) return "";
  }
  return source + " can be exchanged on its way: name an https:// URL, or one of this machine";
}

std::string check_network(const std::string& text) {
  const auto parsed = http::TrustedProxies::parse({text});
  return parsed ? "" : parsed.error().message;
}

/// "10/min" becomes 10.
std::string read_rate(std::string& text) {
  constexpr std::string_view kUnit = "/min";
  constexpr unsigned kMost = 1'000'000;
  unsigned count = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, count);
  if (read.ec != std::errc{} || std::string_view(read.ptr, end) != kUnit || count == 0 ||
      count > kMost) {
    return text + " is no rate from 1/min to 1000000/min";
  }
  text = std::to_string(count);
  return "";
}

/// "keyledger" is this deployment's own name.
std::string check_issuer(const std::string& issuer) {
  return issuer.empty() || issuer == "keyledger" ? "must be another name than keyledger" : "";
}

void add_auth_options(CLI::App& serve, ServeConfig& config) {
  CLI::Option* const jwks =
      serve
          .add_option("--auth.jwks", config.jwks,
                      "Where the keys (RFC 7517) of another issuer are, whose tokens are good as "
                      "well: a file or a URL")
          ->check(check_jwks);
  const auto add = [&](const char* name, std::string& out, const char* text) {
    return serve.add_option(name, out, text)->needs(jwks);
  };
  CLI::Option* const issuer =
      add("--auth.issuer", config.issuer.name, "What its tokens have as iss")->check(check_issuer);
  CLI::Option* const audience =
      add("--auth.audience", config.issuer.audience, "What its tokens have as aud");
  jwks->needs(issuer)->needs(audience);
  add("--auth.claim.account", config.issuer.account_claim, "The claim that names the account")
      ->capture_default_str();
  add("--auth.claim.username", config.issuer.username_claim, "The claim that has the username")
      ->capture_default_str();
  add("--auth.claim.scope", config.issuer.scope_claim, "The claim that has the scopes")
      ->capture_default_str();
}

}  // namespace

void add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& out,
                  const std::string& text, std::chrono::milliseconds least) {
  const auto check_least = [least](const std::string& count) {
    return std::stoll(count) >= least.count() ? "" : "must be at least " + duration_text(least);
  };
  app.add_option_function<std::int64_t>(
         name, [&out](std::int64_t count) { out = std::chrono::milliseconds(count); }, text)
      ->transform(CLI::Validator(read_duration, "", ""))
      ->check(check_least)
      ->type_name("DURATION")
      ->default_str(duration_text(out));
}

std::string check_whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc::result_out_of_range) return text + " is more than 64 bits hold";
  const bool is_octal_elsewhere = text.size() > 1 && text.front() == '0';
  const bool fits = read.ec == std::errc{} && read.ptr == end && !is_octal_elsewhere;
  return fits ? "" : text + " is no whole number";
}

CLI::App* add_serve(CLI::App& root, ServeConfig& config) {
  CLI::App* serve = root.add_subcommand("serve", "Run a node until SIGTERM");
  serve->add_option("--config", "A TOML file with more options: flags and environment win over it");
  serve->add_option("--data-dir", config.data_dir, "Where log and read model are kept")
      ->capture_default_str();
  serve->add_option(
      "--key-ring", config.key_ring,
      "The key ring (default: keyring.json in the data directory, made there where the "
      "log is embedded)");
  serve->add_option("--listen", config.listen, "Address and port to serve on; port 0: a free one")
      ->delimiter(',')
      ->check(check_address)
      ->capture_default_str();
  serve
      ->add_option("--verify-listen", config.verify_listen,
                   "Address and port that serve validation alone, without tokens")
      ->delimiter(',')
      ->check(check_address);
  CLI::Option* const certificate =
      serve->add_option("--tls-cert", config.tls_certificate,
                        "Speak TLS on every listener: a PEM file with the certificate and those "
                        "that lead to its root; read again on SIGHUP");
  certificate->needs(
      serve->add_option("--tls-key", config.tls_key, "The certificate's private key, PEM")
          ->needs(certificate));
  serve->add_option("--roles", config.roles, "What this node does: command, query, verify, page")
      ->delimiter(',')
      ->check(CLI::IsMember({"command", "query", "verify", "page"}))
      ->capture_default_str();
  serve
      ->add_option("--page-account", config.page_account,
                   "The account that the sign-in link on standard output is for")
      ->check(check_value<AccountId>)
      ->capture_default_str();
  serve->add_option("--page-username", config.page_username, "Who signs in by that link")
      ->check(check_value<Username>)
      ->capture_default_str();
  serve
      ->add_option("--throttle-failures", config.throttle_per_minute,
                   "How many credentials that don't hold an address may give, as in 10/min; more "
                   "are answered with 429 (default: any number)")
      ->transform(CLI::Validator(read_rate, "", ""))
      ->type_name("N/min");
  serve
      ->add_option("--trusted-proxy", config.trusted_proxies,
                   "Address or network of proxies whose X-Forwarded-For and X-Forwarded-Proto are "
                   "believed")
      ->delimiter(',')
      ->check(check_network);
  add_auth_options(*serve, config);
  add_log_options(*serve, config.log);
  serve->add_option("--threads", config.threads, "I/O threads; 0: one per processor")
      ->check(CLI::Range(0U, 256U))
      ->check(check_whole_number)
      ->capture_default_str();
  serve->add_option("--advertise", config.advertise,
                    "URL where others reach this node (default: the listen address)");
  serve->add_option("--key-prefix", config.key_prefix, "What key values begin with")
      ->check(check_prefix)
      ->capture_default_str();
  serve
      ->add_option_function<std::string>(
          "--values", [&config](const std::string& mode) { config.values_once = mode == "once"; },
          "Whether a key's value can be read again: recoverable or once")
      ->check(CLI::IsMember({"recoverable", "once"}))
      ->default_str("recoverable");
  add_duration(*serve, "--max-staleness", config.max_staleness,
               "How long a node that no longer follows the log goes on validating");
  add_duration(*serve, "--erase-within", config.erase_within,
               "How soon the bytes of an erased value are gone from the disk", kLeastErasure);
  add_duration(*serve, "--drain-timeout", config.drain_timeout,
               "How long SIGTERM waits for requests in flight");
  add_duration(*serve, "--request-timeout", config.limits.request_timeout,
               "How long a request may take");
  add_duration(*serve, "--header-timeout", config.limits.header_timeout,
               "How long a request's header may take to arrive");
  add_duration(*serve, "--body-timeout", config.limits.body_timeout,
               "How long a request's body may take to arrive");
  add_duration(*serve, "--idle-timeout", config.limits.idle_timeout,
               "How long an idle connection is kept");
  serve
      ->add_option("--max-connections", config.limits.connections,
                   "Connections at once; more are closed")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->check(check_whole_number)
      ->capture_default_str();
  serve
      ->add_option("--cache-size", config.cache_bytes,
                   "Memory for the read model's caches, e.g. 512MB")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->transform(CLI::Validator(check_digit, "", ""))
      ->check(CLI::Range(std::uint64_t{0}, kMaxCacheBytes).description(""))
      ->type_name("SIZE")
      ->default_str("256MB");
  serve
      ->add_option_function<std::string>(
          "--log-level",
          [&config](const std::string& name) { config.log_level = *logging::parse_level(name); },
          "What is logged at least")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->default_str("info");
  return serve;
}

}  // namespace keyledger
