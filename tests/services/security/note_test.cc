#include "services/security/note.h"

#include <string>

#include <gtest/gtest.h>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

// The pair of golang.org/x/mod/sumdb/note's own example.
const std::string kVerifierKey =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string kSeed =
    base64_decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").value().substr(1);
const std::string kText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";

TEST(ANote, IsWhatOthersMakeOfTheSameKeyAndText) {
  const NoteSigner signer("PeterNeumann", kSeed);
  EXPECT_EQ(signer.verifier_key(), kVerifierKey);
  EXPECT_EQ(
      signer.sign(kText),
      kText +
          "\n— PeterNeumann "
          "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6R"
          "yyBwJnAM=\n");
}

TEST(ANote, IsOpenedByItsKey_AlsoAmongOthersSignatures) {
  const NoteSigner signer("log", kSeed);
  const std::string note = signer.sign(kText);
  EXPECT_EQ(open_note(note, signer.verifier_key()), kText);
  EXPECT_EQ(text_of_note(note), kText);
  const std::string other = NoteSigner("witness", std::string(32, 'w')).sign(kText);
  const std::string both = other + note.substr(kText.size() + 1);
  EXPECT_EQ(open_note(both, signer.verifier_key()), kText);
}

TEST(ANote, OfWhichOneBitIsAnother_IsNotOpened) {
  const NoteSigner signer("log", kSeed);
  const std::string note = signer.sign(kText);
  for (std::size_t i = 0; i < note.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = note;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
      ASSERT_FALSE(open_note(changed, signer.verifier_key())) << "bit " << bit << " of byte " << i;
    }
  }
}

TEST(ANote, OfAnotherKeyOrName_IsNotOpened) {
  const std::string note = NoteSigner("log", kSeed).sign(kText);
  for (const NoteSigner& other :
       {NoteSigner("log", std::string(32, 'o')), NoteSigner("lo", kSeed)}) {
    EXPECT_EQ(open_note(note, other.verifier_key()).error().code, Errc::unauthenticated);
  }
}

TEST(ANote, OfAnotherForm_IsNone) {
  const std::string key = NoteSigner("log", kSeed).verifier_key();
  for (const std::string note :
       {"", "\n", "text\n", "text\n\n", "text\n\n— log", "no signature\n\n\n"}) {
    const auto opened = open_note(note, key);
    ASSERT_FALSE(opened) << note;
  }
}

TEST(AVerifierKey, OfAnotherForm_IsNone) {
  const std::string note = NoteSigner("PeterNeumann", kSeed).sign(kText);
  for (std::string key :
       {std::string(), std::string("PeterNeumann"), std::string("PeterNeumann+c74f20a3"),
        kVerifierKey.substr(12), kVerifierKey + "A", "X" + kVerifierKey,
        std::string("PeterNeumann+c74f20a4") + kVerifierKey.substr(21)}) {
    EXPECT_EQ(open_note(note, key).error().code, Errc::malformed) << key;
  }
}

}  // namespace
}  // namespace keyledger::security
