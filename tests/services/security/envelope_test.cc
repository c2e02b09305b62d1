#include "services/security/envelope.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "services/security/key_ring.h"

namespace keyledger::security {
namespace {

const AccountId kAcme{"acme"};
const KeyId kKey{"key_01JDEFGHJKMNPQRSTVWXYZ0123"};
const std::string kValue = "kl_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG123456";

Errc refusal(const Result<std::string>& answer) {
  EXPECT_FALSE(answer) << "it was unsealed";
  if (answer) return Errc::internal;
  EXPECT_EQ(answer.error().message.find(kValue.substr(0, 6)), std::string::npos);
  return answer.error().code;
}

TEST(Envelope, OfAValue_OpensToThatValue) {
  const KeyRing ring = KeyRing::generate();
  for (const std::string& value : {kValue, std::string("x"), std::string(1000, '\0'),
                                   std::string("\xff\x00\x80", 3), std::string()}) {
    const auto opened = unseal(ring, kAcme, kKey, seal(ring, kAcme, kKey, value));
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, value);
  }
}

TEST(Envelope, OfAValue_HasTheDocumentedForm) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, kAcme, kKey, kValue);
  const std::string& id = ring.envelope_keys().front().id;
  EXPECT_EQ(sealed.substr(0, 2 + id.size()),
            std::string({'\x01', static_cast<char>(id.size())}) + id);
  EXPECT_EQ(sealed.size(), 2 + id.size() + 12 + kValue.size() + 16);
  EXPECT_EQ(sealed.find(kValue.substr(0, 6)), std::string::npos);
}

TEST(Envelope, SealedManyTimes_IsNeverTheSame) {
  const KeyRing ring = KeyRing::generate();
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) {
    const std::string sealed = seal(ring, kAcme, kKey, kValue);
    EXPECT_TRUE(nonces.insert(sealed.substr(sealed.size() - kValue.size() - 28, 12)).second);
  }
}

// Inside the id of its envelope key, an alteration can't be told from a key that is missing.
TEST(Envelope, AlteredAtAnyBit_IsDamagedOrNamesAKeyThatIsNotThere) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, kAcme, kKey, kValue);
  const std::size_t id_end = 2 + ring.envelope_keys().front().id.size();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string altered = sealed;
      altered[i] = static_cast<char>(static_cast<unsigned char>(altered[i]) ^ (1U << bit));
      const Errc code = refusal(unseal(ring, kAcme, kKey, altered));
      const bool in_id = i >= 1 && i < id_end;
      EXPECT_TRUE(code == Errc::damaged || (in_id && code == Errc::incompatible)) << i;
    }
  }
}

TEST(Envelope, AfterOnesThatWereDamaged_IsSealedAndOpenedAsEver) {
  const KeyRing ring = KeyRing::generate();
  std::string altered = seal(ring, kAcme, kKey, kValue);
  altered.back() = static_cast<char>(altered.back() ^ 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(refusal(unseal(ring, kAcme, kKey, altered)), Errc::damaged);
    const std::string sealed = seal(ring, kAcme, kKey, kValue);
    EXPECT_EQ(refusal(unseal(ring, kAcme, kKey, altered)), Errc::damaged);
    EXPECT_EQ(unseal(ring, kAcme, kKey, sealed), kValue);
  }
}

TEST(Envelope, CutAnywhere_IsRefused) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, kAcme, kKey, kValue);
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_EQ(refusal(unseal(ring, kAcme, kKey, sealed.substr(0, length))), Errc::damaged);
  }
  EXPECT_EQ(refusal(unseal(ring, kAcme, kKey, sealed + '\0')), Errc::damaged);
}

TEST(Envelope, OfAnotherAccount_IsDamaged) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, kAcme, kKey, kValue);
  for (const char* account : {"acm", "acme2", "ACME", ""}) {
    EXPECT_EQ(refusal(unseal(ring, AccountId{account}, kKey, sealed)), Errc::damaged) << account;
  }
}

TEST(Envelope, OfAnotherKey_IsDamaged) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, kAcme, kKey, kValue);
  EXPECT_EQ(refusal(unseal(ring, kAcme, KeyId{"key_01JDEFGHJKMNPQRSTVWXYZ0124"}, sealed)),
            Errc::damaged);
}

TEST(Envelope, WithTheBorderOfAccountAndKeyMoved_IsDamaged) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, AccountId{"acme"}, KeyId{"key_1"}, kValue);
  EXPECT_EQ(refusal(unseal(ring, AccountId{"acmek"}, KeyId{"ey_1"}, sealed)), Errc::damaged);
  EXPECT_EQ(refusal(unseal(ring, AccountId{"acm"}, KeyId{"ekey_1"}, sealed)), Errc::damaged);
}

TEST(Envelope, SealedBeforeARotation_StillOpens) {
  KeyRing ring = KeyRing::generate();
  const std::string first = seal(ring, kAcme, kKey, kValue);
  ring.rotate();
  const std::string second = seal(ring, kAcme, kKey, kValue);
  ring.rotate();
  EXPECT_EQ(unseal(ring, kAcme, kKey, first).value(), kValue);
  EXPECT_EQ(unseal(ring, kAcme, kKey, second).value(), kValue);
}

TEST(Envelope, SealedAfterARotation_UsesTheNewKey) {
  const KeyRing before = KeyRing::generate();
  KeyRing after = before;
  after.rotate();
  EXPECT_EQ(refusal(unseal(before, kAcme, kKey, seal(after, kAcme, kKey, kValue))),
            Errc::incompatible);
}

TEST(Envelope, UnderARingWithoutItsKey_IsIncompatible) {
  const KeyRing ring = KeyRing::generate();
  const std::string sealed = seal(ring, kAcme, kKey, kValue);
  EXPECT_EQ(refusal(unseal(KeyRing::generate(), kAcme, kKey, sealed)), Errc::incompatible);
  EXPECT_EQ(refusal(unseal(ring.for_verification(), kAcme, kKey, sealed)), Errc::incompatible);
}

}  // namespace
}  // namespace keyledger::security
