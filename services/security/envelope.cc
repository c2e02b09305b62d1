#include "services/security/envelope.h"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include <openssl/evp.h>

#include "services/security/crypto.h"
#include "services/security/handle.h"

namespace keyledger::security {
namespace {

constexpr char kFormat = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using Cipher = Handle<EVP_CIPHER, EVP_CIPHER_free>;
using CipherContext = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// What the tag vouches for besides the value: the envelope's own head, the account and the key. An
/// AccountId has no NUL in it, so no two of these are alike.
std::string associated_data(std::string_view head, const AccountId& account, const KeyId& key) {
  std::string text(head);
  text += account.value;
  text += '\0';
  text += key.value;
  return text;
}

void require(int answer) {
  if (answer != 1) throw std::runtime_error("OpenSSL refused an AES-256-GCM operation");
}

/// A context for AES-256-GCM, made once a thread: EVP_aes_256_gcm() has OpenSSL look the cipher up
/// by its name at every use. An operation begins with a key of its own, and nothing is left in the
/// context of the one before but that key, for as long as the thread: key rings are kept for
/// longer.
EVP_CIPHER_CTX* cipher_context() {
  static thread_local const CipherContext context = [] {
    const Cipher cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    CipherContext made(EVP_CIPHER_CTX_new());
    if (!cipher || !made) throw std::runtime_error("OpenSSL has no AES-256-GCM to give");
    require(EVP_EncryptInit_ex(made.get(), cipher.get(), nullptr, nullptr, nullptr));
    return made;
  }();
  return context.get();
}

}  // namespace

std::string seal(const KeyRing& ring, const AccountId& account, const KeyId& key,
                 std::string_view value) {
  const KeyRing::SymmetricKey& newest = ring.envelope_keys().at(0);
  std::string sealed;
  sealed += kFormat;
  sealed += static_cast<char>(newest.id.size());
  sealed += newest.id;
  const std::string bound = associated_data(sealed, account, key);

  const auto nonce = public_random<std::array<std::byte, kNonceBytes>>();
  sealed.append(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  const std::size_t head_bytes = sealed.size();
  sealed.resize(head_bytes + value.size() + kTagBytes);

  EVP_CIPHER_CTX* const context = cipher_context();
  require(EVP_EncryptInit_ex(context, nullptr, nullptr, octets(newest.secret),
                             reinterpret_cast<const unsigned char*>(nonce.data())));
  int written = 0;
  require(
      EVP_EncryptUpdate(context, nullptr, &written, octets(bound), static_cast<int>(bound.size())));
  unsigned char* out = octets(sealed) + head_bytes;
  require(EVP_EncryptUpdate(context, out, &written, octets(value), static_cast<int>(value.size())));
  require(EVP_EncryptFinal_ex(context, out + written, &written));
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagBytes, out + value.size()));
  return sealed;
}

Result<std::string> unseal(const KeyRing& ring, const AccountId& account, const KeyId& key,
                           std::string_view sealed) {
  const auto damaged = [&key] {
    return fail(Errc::damaged, "the stored value of " + key.value +
                                   " was altered, or belongs to another account or key");
  };
  if (sealed.size() < 2 || sealed[0] != kFormat) return damaged();
  const std::size_t id_bytes = static_cast<unsigned char>(sealed[1]);
  if (sealed.size() < 2 + id_bytes + kNonceBytes + kTagBytes) return damaged();
  const std::string_view head = sealed.substr(0, 2 + id_bytes);
  const std::string_view id = head.substr(2);
  const std::string_view nonce = sealed.substr(head.size(), kNonceBytes);
  std::string_view secret_text = sealed.substr(head.size() + kNonceBytes);
  std::string tag(secret_text.substr(secret_text.size() - kTagBytes));
  secret_text.remove_suffix(kTagBytes);

  const auto& keys = ring.envelope_keys();
  const auto envelope_key = std::ranges::find(keys, id, &KeyRing::SymmetricKey::id);
  if (envelope_key == keys.end()) {
    return fail(Errc::incompatible, "the key ring has no envelope key for the stored value of " +
                                        key.value +
                                        "; is it the ring that the value was made with?");
  }
  const std::string bound = associated_data(head, account, key);
  EVP_CIPHER_CTX* const context = cipher_context();
  require(
      EVP_DecryptInit_ex(context, nullptr, nullptr, octets(envelope_key->secret), octets(nonce)));
  int written = 0;
  require(
      EVP_DecryptUpdate(context, nullptr, &written, octets(bound), static_cast<int>(bound.size())));
  std::string value(secret_text.size(), '\0');
  require(EVP_DecryptUpdate(context, octets(value), &written, octets(secret_text),
                            static_cast<int>(secret_text.size())));
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()));
  if (EVP_DecryptFinal_ex(context, octets(value) + written, &written) != 1) return damaged();
  return value;
}

Result<std::string> envelope_key_of(std::string_view sealed) {
  const std::size_t id_bytes =
      sealed.size() < 2 ? 0 : static_cast<std::size_t>(static_cast<unsigned char>(sealed[1]));
  if (sealed.size() < 2 + id_bytes + kNonceBytes + kTagBytes || sealed[0] != kFormat) {
    return fail(Errc::damaged, "a stored value is not one that was sealed");
  }
  return std::string(sealed.substr(2, id_bytes));
}

}  // namespace keyledger::security
