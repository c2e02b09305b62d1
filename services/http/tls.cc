#include "services/http/tls.h"

#include <string>
#include <utility>

#include <boost/asio/ssl/context.hpp>

namespace keyledger::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

/// Of TLS 1.2: those that RFC 9325 §4.2 recommends, and ChaCha20 for who has no AES in hardware.
/// TLS 1.3 has no others.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

std::unexpected<Error> cannot(const std::string& what, const error_code& why) {
  return fail(Errc::incompatible, what + ": " + why.message());
}

}  // namespace

ServerTls::ServerTls(std::filesystem::path certificate, std::filesystem::path key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

Result<std::unique_ptr<ServerTls>> ServerTls::load(std::filesystem::path certificate,
                                                   std::filesystem::path key) {
  std::unique_ptr<ServerTls> tls(new ServerTls(std::move(certificate), std::move(key)));
  if (auto read = tls->reload(); !read) return fail(std::move(read.error()));
  return tls;
}

Result<void> ServerTls::reload() {
  auto context = read();
  if (!context) return fail(std::move(context.error()));
  const std::scoped_lock lock(mutex_);
  context_ = *std::move(context);
  return {};
}

ServerTls::Context ServerTls::context() const {
  const std::scoped_lock lock(mutex_);
  return context_;
}

Result<ServerTls::Context> ServerTls::read() const {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  error_code ec;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                           SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE,
                       ec);
  if (ec || SSL_CTX_set_cipher_list(context->native_handle(), kCiphers) != 1) {
    return cannot("can't restrict TLS to what is safe", ec);
  }
  // OpenSSL would ask on the terminal.
  context->set_password_callback(
      [](std::size_t, ssl::context::password_purpose) { return std::string{}; }, ec);
  context->use_certificate_chain_file(certificate_.string(), ec);
  if (ec) return cannot("--tls-cert " + certificate_.string() + " can't be used", ec);
  context->use_private_key_file(key_.string(), ssl::context::pem, ec);
  if (ec) {
    return cannot(
        "--tls-key " + key_.string() + " can't be used with --tls-cert " + certificate_.string(),
        ec);
  }
  // A key is compared with a certificate of its own type alone, when it is read.
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    ERR_clear_error();
    return fail(Errc::incompatible, "--tls-key " + key_.string() +
                                        " is not the key of --tls-cert " + certificate_.string());
  }
  return context;
}

}  // namespace keyledger::http
