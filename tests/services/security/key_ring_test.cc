#include "services/security/key_ring.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/security/crypto.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::security {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& file, const std::string& text, mode_t mode = 0600) {
  std::ofstream(file, std::ios::binary) << text;
  ASSERT_EQ(::chmod(file.c_str(), mode), 0);
}

mode_t mode_of(const fs::path& file) {
  struct stat status = {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0);
  return status.st_mode & 07777U;
}

std::size_t count_files(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

/// Every secret of `ring` but the pepper, in the form in which a file holds it.
std::vector<std::string> secrets_but_pepper(const KeyRing& ring) {
  std::vector<std::string> secrets;
  if (ring.can_issue()) secrets.push_back(base64url_encode(ring.idempotency_secret()));
  for (const auto& key : ring.envelope_keys()) secrets.push_back(base64url_encode(key.secret));
  for (const auto& key : ring.cursor_keys()) secrets.push_back(base64url_encode(key.secret));
  for (const auto& key : ring.signing_keys()) {
    // The 32 bytes of the private number: what precedes them is the same in every P-256 key, and
    // what follows is the public key.
    const std::size_t begin = key.private_pem.find('\n') + 1;
    secrets.push_back(key.private_pem.substr(begin + 48, 16));
    secrets.push_back(key.private_pem.substr(begin + 65, 26));
  }
  return secrets;
}

/// No eight characters of a secret in a row.
void expect_no_secret_in(const std::string& text, const KeyRing& ring) {
  std::vector<std::string> secrets = secrets_but_pepper(ring);
  secrets.push_back(base64url_encode(ring.pepper()));
  for (const std::string& secret : secrets) {
    for (std::size_t i = 0; i + 8 <= secret.size(); ++i) {
      ASSERT_EQ(text.find(secret.substr(i, 8)), std::string::npos) << text;
    }
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

/// `ring`'s own file with `text` in it is refused, and the refusal keeps its secrets.
void expect_incompatible(const TemporaryDirectory& directory, const KeyRing& ring,
                         const std::string& text) {
  write_file(directory / "bad.json", text);
  const auto loaded = KeyRing::load(directory / "bad.json");
  ASSERT_FALSE(loaded) << text;
  EXPECT_EQ(loaded.error().code, Errc::incompatible);
  EXPECT_NE(loaded.error().message.find("bad.json"), std::string::npos);
  expect_no_secret_in(loaded.error().message, ring);
}

TEST(KeyRing, ThatIsNew_HasASecretPerUse) {
  const KeyRing ring = KeyRing::generate();
  EXPECT_TRUE(ring.can_issue());
  ASSERT_EQ(ring.envelope_keys().size(), 1U);
  ASSERT_EQ(ring.cursor_keys().size(), 1U);
  ASSERT_EQ(ring.signing_keys().size(), 1U);
  const std::array secrets = {ring.pepper(), ring.idempotency_secret(),
                              ring.envelope_keys()[0].secret, ring.cursor_keys()[0].secret};
  for (const std::string& secret : secrets) {
    EXPECT_EQ(secret.size(), 32U);
    EXPECT_EQ(std::ranges::count(secrets, secret), 1);
  }
}

TEST(KeyRing, GeneratedTwice_SharesNothing) {
  const KeyRing one = KeyRing::generate();
  const KeyRing two = KeyRing::generate();
  EXPECT_NE(one.pepper(), two.pepper());
  EXPECT_NE(one.pepper_fingerprint(), two.pepper_fingerprint());
  expect_no_secret_in(two.to_json(), one);
}

TEST(KeyRing, SavedAndLoaded_IsTheSame) {
  const TemporaryDirectory directory;
  KeyRing ring = KeyRing::generate();
  ring.rotate();
  ASSERT_TRUE(ring.save(directory / "ring.json", true));
  const auto loaded = KeyRing::load(directory / "ring.json");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->to_json(), ring.to_json());
  EXPECT_EQ(loaded->pepper(), ring.pepper());
  EXPECT_EQ(loaded->idempotency_secret(), ring.idempotency_secret());
  EXPECT_EQ(loaded->envelope_keys()[1].secret, ring.envelope_keys()[1].secret);
  EXPECT_EQ(loaded->cursor_keys()[0].id, ring.cursor_keys()[0].id);
  EXPECT_EQ(loaded->signing_keys()[1].private_pem, ring.signing_keys()[1].private_pem);
  EXPECT_EQ(loaded->signing_keys()[0].public_pem, ring.signing_keys()[0].public_pem);
}

TEST(KeyRing, Saved_IsForItsOwnerAloneAndLeavesNothingBeside) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "ring.json";
  const KeyRing ring = KeyRing::generate();
  ASSERT_TRUE(ring.save(file, true));
  EXPECT_EQ(mode_of(file), mode_t{0600});
  EXPECT_EQ(read_file(file), ring.to_json());
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  ASSERT_TRUE(ring.save(file, false));
  EXPECT_EQ(mode_of(file), mode_t{0600});
  EXPECT_EQ(count_files(directory.path()), 1U);
}

TEST(KeyRing, SavedAgain_ReplacesTheOldOne) {
  const TemporaryDirectory directory;
  KeyRing ring = KeyRing::generate();
  ASSERT_TRUE(ring.save(directory / "ring.json", true));
  ring.rotate();
  ASSERT_TRUE(ring.save(directory / "ring.json", false));
  EXPECT_EQ(KeyRing::load(directory / "ring.json").value().to_json(), ring.to_json());
}

TEST(KeyRing, SavedThroughALink_KeepsTheLink) {
  const TemporaryDirectory directory;
  KeyRing ring = KeyRing::generate();
  ASSERT_TRUE(ring.save(directory / "ring.json", true));
  fs::create_symlink("ring.json", directory / "link.json");
  ring.rotate();
  ASSERT_TRUE(ring.save(directory / "link.json", false));
  EXPECT_TRUE(fs::is_symlink(directory / "link.json"));
  EXPECT_EQ(read_file(directory / "ring.json"), ring.to_json());
}

TEST(KeyRing, SavedExclusively_NeverOverwrites) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "ring.json";
  const KeyRing first = KeyRing::generate();
  ASSERT_TRUE(first.save(file, true));
  const auto again = KeyRing::generate().save(file, true);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::unavailable);
  EXPECT_NE(again.error().message.find(file.string()), std::string::npos);
  EXPECT_EQ(read_file(file), first.to_json());
  EXPECT_EQ(count_files(directory.path()), 1U);
}

TEST(KeyRing, SavedExclusivelyOverADanglingLinkOrADirectory_IsRefused) {
  const TemporaryDirectory directory;
  fs::create_symlink("nowhere", directory / "link");
  fs::create_directory(directory / "folder");
  const KeyRing ring = KeyRing::generate();
  EXPECT_EQ(ring.save(directory / "link", true).error().code, Errc::unavailable);
  EXPECT_EQ(ring.save(directory / "folder", true).error().code, Errc::unavailable);
  EXPECT_EQ(ring.save(directory / "folder", false).error().code, Errc::io);
  EXPECT_EQ(count_files(directory.path()), 2U);
}

TEST(KeyRing, SavedExclusivelyByManyAtOnce_IsWhatOneOfThemSaved) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "ring.json";
  std::vector<KeyRing> rings;
  rings.reserve(8);
  for (int i = 0; i < 8; ++i) rings.push_back(KeyRing::generate());
  std::atomic<int> winners = 0;
  std::atomic<const KeyRing*> winner = nullptr;
  std::vector<std::thread> threads;
  threads.reserve(rings.size());
  for (const KeyRing& ring : rings) {
    threads.emplace_back([&] {
      if (!ring.save(file, true)) return;
      ++winners;
      winner = &ring;
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(winners, 1);
  EXPECT_EQ(read_file(file), winner.load()->to_json());
  EXPECT_EQ(count_files(directory.path()), 1U);
}

TEST(KeyRing, SavedWhereThereIsNoDirectory_IsAnIoError) {
  const TemporaryDirectory directory;
  for (const bool exclusive : {true, false}) {
    const auto saved = KeyRing::generate().save(directory / "none" / "ring.json", exclusive);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, Errc::io);
    EXPECT_NE(saved.error().message.find("none/ring.json"), std::string::npos);
  }
}

TEST(KeyRing, LoadedFromNoFile_IsNotFound) {
  const TemporaryDirectory directory;
  const auto loaded = KeyRing::load(directory / "ring.json");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::not_found);
  EXPECT_NE(loaded.error().message.find("ring.json"), std::string::npos);
}

TEST(KeyRing, LoadedFromAFileOpenToOthers_IsRefusedWithTheRemedy) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "ring.json";
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0666U, 0777U}) {
    write_file(file, KeyRing::generate().to_json(), mode);
    const auto loaded = KeyRing::load(file);
    ASSERT_FALSE(loaded) << mode;
    EXPECT_EQ(loaded.error().code, Errc::incompatible);
    EXPECT_NE(loaded.error().message.find("chmod 600 " + file.string()), std::string::npos);
  }
}

TEST(KeyRing, LoadedFromAFileOfItsOwnerAlone_IsAccepted) {
  const TemporaryDirectory directory;
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    write_file(directory / "ring.json", KeyRing::generate().to_json(), mode);
    EXPECT_TRUE(KeyRing::load(directory / "ring.json")) << mode;
    fs::remove(directory / "ring.json");
  }
}

TEST(KeyRing, LoadedFromWhatIsNoFile_IsIncompatible) {
  const TemporaryDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(KeyRing::load(directory / "fifo").error().code, Errc::incompatible);
  EXPECT_EQ(KeyRing::load(directory.path()).error().code, Errc::incompatible);
}

TEST(KeyRing, LoadedFromATextThatWasCut_IsIncompatible) {
  const TemporaryDirectory directory;
  const KeyRing ring = KeyRing::generate();
  const std::string text = ring.to_json();
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    expect_incompatible(directory, ring, text.substr(0, length));
  }
}

TEST(KeyRing, LoadedFromATextOfAnotherForm_IsIncompatible) {
  const TemporaryDirectory directory;
  const KeyRing ring = KeyRing::generate();
  const std::string text = ring.to_json();
  for (const std::string& bad :
       {std::string("[]"), std::string("null"), std::string("{}"), "[" + text + "]", text + text,
        text + "\xff", std::string(2U << 20U, ' '), text + std::string(1U << 20U, ' '),
        std::string(100'000, '[')}) {
    expect_incompatible(directory, ring, bad);
  }
}

TEST(KeyRing, LoadedWithoutAnyOneMember_IsIncompatible) {
  const TemporaryDirectory directory;
  const KeyRing ring = KeyRing::generate();
  for (const char* member : {"format", "pepper", "idempotency", "envelope", "cursor", "signing",
                             "id", "secret", "private", "public"}) {
    const std::string name = '"' + std::string(member) + '"';
    expect_incompatible(directory, ring, replaced(ring.to_json(), name, "\"unknown\""));
  }
}

TEST(KeyRing, LoadedWithAnUnsoundMember_IsIncompatible) {
  const TemporaryDirectory directory;
  const KeyRing ring = KeyRing::generate();
  const std::string text = ring.to_json();
  const std::string& id = ring.envelope_keys()[0].id;
  std::vector<std::string> secrets = secrets_but_pepper(ring);
  secrets.push_back(base64url_encode(ring.pepper()));
  for (const std::string& secret : secrets) {
    expect_incompatible(directory, ring, replaced(text, secret, secret.substr(1)));
    expect_incompatible(directory, ring,
                        replaced(text, secret, secret.substr(0, secret.size() / 2)));
    expect_incompatible(directory, ring, replaced(text, secret, ""));
    expect_incompatible(directory, ring, replaced(text, secret, '!' + secret.substr(1)));
  }
  expect_incompatible(directory, ring, replaced(text, "\"format\": 1", "\"format\": 2"));
  expect_incompatible(directory, ring, replaced(text, "\"format\": 1", "\"format\": 1.5"));
  expect_incompatible(directory, ring, replaced(text, "\"format\": 1", "\"format\": \"1\""));
  expect_incompatible(directory, ring, replaced(text, '"' + id + '"', "7"));
  expect_incompatible(directory, ring, replaced(text, id, ""));
  expect_incompatible(directory, ring, replaced(text, id, "a b"));
  expect_incompatible(directory, ring, replaced(text, id, std::string(65, 'a')));
}

TEST(KeyRing, LoadedWithAnIdTwice_IsIncompatible) {
  const TemporaryDirectory directory;
  KeyRing ring = KeyRing::generate();
  ring.rotate();
  const std::string text = ring.to_json();
  expect_incompatible(directory, ring,
                      replaced(text, ring.envelope_keys()[1].id, ring.envelope_keys()[0].id));
  expect_incompatible(directory, ring,
                      replaced(text, ring.cursor_keys()[1].id, ring.cursor_keys()[0].id));
  expect_incompatible(directory, ring,
                      replaced(text, ring.signing_keys()[1].id, ring.signing_keys()[0].id));
}

TEST(KeyRing, LoadedWithASigningKeyOfAnotherPair_IsIncompatible) {
  const TemporaryDirectory directory;
  const KeyRing ring = KeyRing::generate();
  const auto in_json = [](std::string pem) {
    for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
      pem.replace(at, 1, "\\n");
    }
    return pem;
  };
  const std::string mine = in_json(ring.signing_keys()[0].public_pem);
  const std::string other = in_json(KeyRing::generate().signing_keys()[0].public_pem);
  expect_incompatible(directory, ring, replaced(ring.to_json(), mine, other));
}

TEST(KeyRing, ForVerification_HasThePepperAlone) {
  const KeyRing ring = KeyRing::generate();
  const KeyRing verifying = ring.for_verification();
  EXPECT_EQ(verifying.pepper(), ring.pepper());
  EXPECT_EQ(verifying.pepper_fingerprint(), ring.pepper_fingerprint());
  EXPECT_FALSE(verifying.can_issue());
  EXPECT_TRUE(verifying.idempotency_secret().empty());
  EXPECT_TRUE(verifying.envelope_keys().empty());
  EXPECT_TRUE(verifying.cursor_keys().empty());
  EXPECT_TRUE(verifying.signing_keys().empty());
  for (const std::string& secret : secrets_but_pepper(ring)) {
    EXPECT_EQ(verifying.to_json().find(secret.substr(0, 8)), std::string::npos);
  }
  EXPECT_TRUE(ring.can_issue());
}

TEST(KeyRing, ForVerificationSavedAndLoaded_IsTheSame) {
  const TemporaryDirectory directory;
  const KeyRing verifying = KeyRing::generate().for_verification();
  ASSERT_TRUE(verifying.save(directory / "ring.json", true));
  const auto loaded = KeyRing::load(directory / "ring.json");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->to_json(), verifying.to_json());
  EXPECT_FALSE(loaded->can_issue());
}

TEST(KeyRing, ForVerificationRotated_StaysAsItIs) {
  KeyRing verifying = KeyRing::generate().for_verification();
  const std::string before = verifying.to_json();
  verifying.rotate();
  EXPECT_EQ(verifying.to_json(), before);
}

TEST(KeyRing, Rotated_KeepsPepperAndIdempotencySecret) {
  const KeyRing before = KeyRing::generate();
  KeyRing after = before;
  after.rotate();
  EXPECT_EQ(after.pepper(), before.pepper());
  EXPECT_EQ(after.idempotency_secret(), before.idempotency_secret());
  EXPECT_EQ(after.pepper_fingerprint(), before.pepper_fingerprint());
}

TEST(KeyRing, Rotated_PutsNewKeysBeforeTheRetired) {
  const KeyRing before = KeyRing::generate();
  KeyRing after = before;
  after.rotate();
  ASSERT_EQ(after.envelope_keys().size(), 2U);
  ASSERT_EQ(after.cursor_keys().size(), 2U);
  ASSERT_EQ(after.signing_keys().size(), 2U);
  EXPECT_EQ(after.envelope_keys()[1].id, before.envelope_keys()[0].id);
  EXPECT_EQ(after.envelope_keys()[1].secret, before.envelope_keys()[0].secret);
  EXPECT_EQ(after.cursor_keys()[1].id, before.cursor_keys()[0].id);
  EXPECT_EQ(after.cursor_keys()[1].secret, before.cursor_keys()[0].secret);
  EXPECT_EQ(after.signing_keys()[1].id, before.signing_keys()[0].id);
  EXPECT_EQ(after.signing_keys()[1].private_pem, before.signing_keys()[0].private_pem);
  EXPECT_NE(after.envelope_keys()[0].secret, before.envelope_keys()[0].secret);
  EXPECT_NE(after.cursor_keys()[0].secret, before.cursor_keys()[0].secret);
  EXPECT_NE(after.signing_keys()[0].private_pem, before.signing_keys()[0].private_pem);
}

TEST(KeyRing, Rotated_KeepsItsCheckpointKey) {
  KeyRing ring = KeyRing::generate();
  const std::string seed = ring.checkpoint_seed();
  EXPECT_EQ(seed.size(), 32U);
  ring.rotate();
  EXPECT_EQ(ring.checkpoint_seed(), seed);
  EXPECT_FALSE(ring.add_checkpoint_key());
}

TEST(KeyRing, OfBeforeThereWereCheckpointKeys_GetsOneOnce) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "ring.json";
  std::string text = KeyRing::generate().to_json();
  const auto begin = text.find(",\n  \"checkpoint\"");
  ASSERT_NE(begin, std::string::npos);
  text.erase(begin, text.find('\n', begin + 2) - begin);
  write_file(file, text);
  auto ring = KeyRing::load(file);
  ASSERT_TRUE(ring) << ring.error().message;
  EXPECT_TRUE(ring->can_issue());
  EXPECT_TRUE(ring->checkpoint_seed().empty());
  KeyRing rotated = *ring;
  rotated.rotate();
  EXPECT_EQ(rotated.checkpoint_seed().size(), 32U);
  EXPECT_TRUE(ring->add_checkpoint_key());
  EXPECT_FALSE(ring->add_checkpoint_key());
  ASSERT_TRUE(ring->save(file, /*exclusive=*/false));
  EXPECT_EQ(KeyRing::load(file)->checkpoint_seed(), ring->checkpoint_seed());
  EXPECT_TRUE(ring->for_verification().checkpoint_seed().empty());
  EXPECT_FALSE(ring->for_verification().add_checkpoint_key());
}

TEST(KeyRing, OfAPepper_HasAFingerprintThatDoesNotTellIt) {
  const KeyRing ring = KeyRing::generate();
  const std::string fingerprint = ring.pepper_fingerprint();
  EXPECT_EQ(fingerprint.size(), 32U);
  EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
  const std::string hex = to_hex(std::as_bytes(std::span(ring.pepper())));
  for (std::size_t i = 0; i + 8 <= hex.size(); ++i) {
    EXPECT_EQ(fingerprint.find(hex.substr(i, 8)), std::string::npos);
  }
  EXPECT_EQ(ring.to_json().find(fingerprint), std::string::npos);
}

TEST(KeyRing, Copied_OutlivesTheOriginal) {
  auto original = std::make_unique<KeyRing>(KeyRing::generate());
  const std::string text = original->to_json();
  const KeyRing copy = *original;
  original.reset();
  EXPECT_EQ(copy.to_json(), text);
}

}  // namespace
}  // namespace keyledger::security
