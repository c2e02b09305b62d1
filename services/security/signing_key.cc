#include "services/security/signing_key.h"

#include <stdexcept>
#include <utility>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "services/security/handle.h"

namespace keyledger::security {
namespace {

using KeyPair = Handle<EVP_PKEY, EVP_PKEY_free>;
using Memory = Handle<BIO, BIO_free_all>;

/// What `write` writes. The memory in between is wiped.
template <typename Write>
std::string pem_text(Write write) {
  const Memory memory(BIO_new(BIO_s_secmem()));
  if (!memory || write(memory.get()) != 1) {
    throw std::runtime_error("OpenSSL could not write a signing key");
  }
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

Memory reader_of(const std::string& pem) {
  return Memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/// Answers that there is no passphrase: without it OpenSSL asks for one on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_p256(const EVP_PKEY* key) {
  char group[32] = {};
  std::size_t group_bytes = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof(group), &group_bytes) == 1 &&
         std::string_view(group, group_bytes) == "prime256v1";
}

}  // namespace

KeyRing::SigningKey make_signing_key(std::string id) {
  const KeyPair pair(EVP_EC_gen("P-256"));
  if (!pair) throw std::runtime_error("OpenSSL could not make a signing key");
  KeyRing::SigningKey key;
  key.id = std::move(id);
  key.private_pem = pem_text([&pair](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  key.public_pem = pem_text([&pair](BIO* out) { return PEM_write_bio_PUBKEY(out, pair.get()); });
  return key;
}

bool is_sound(const KeyRing::SigningKey& key) {
  const KeyPair pair(
      PEM_read_bio_PrivateKey(reader_of(key.private_pem).get(), nullptr, no_passphrase, nullptr));
  const KeyPair open(
      PEM_read_bio_PUBKEY(reader_of(key.public_pem).get(), nullptr, no_passphrase, nullptr));
  const bool sound = pair && open && is_p256(pair.get()) && is_p256(open.get()) &&
                     EVP_PKEY_eq(pair.get(), open.get()) == 1;
  ERR_clear_error();
  return sound;
}

}  // namespace keyledger::security
