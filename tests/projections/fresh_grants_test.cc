#include <atomic>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

// That no reader gets a grant from before a change which had been published when it began to read
// (ADR 9), with real threads.

constexpr int kReaders = 3;

/// Runs `read` on a few threads, again and again, while `write` runs, and once more after it.
template <typename Read, typename Write>
void while_reading(Read read, Write write) {
  std::atomic<bool> done{false};
  std::atomic<int> reading{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      read();
      ++reading;
      while (!done.load()) read();
      read();
    });
  }
  while (reading.load() < kReaders) std::this_thread::yield();
  write();
  done = true;
  for (auto& reader : readers) reader.join();
}

/// The number that a username is; -1 for one that is none.
int number_in(const Username& username) {
  int number = -1;
  const std::string& text = username.value;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class FreshGrants : public testing::Test {
 protected:
  FreshGrants() { ledger.tell({registered, created}); }

  const KeyId key = nth_key_id(1);
  Folded ledger;
  const Event registered = ledger.story.account_registered();
  const Event created = ledger.story.key_created(key);
};

TEST_F(FreshGrants, AreNeverOlderThanWhatWasPublishedBeforeTheReadBegan) {
  constexpr std::uint32_t kVersions = 1'000;
  std::atomic<std::uint32_t> published{1};
  std::atomic<int> too_old{0};
  while_reading(
      [&] {
        const std::uint32_t before = published.load();
        const auto grant = ledger.grant(creation(created));
        if (!grant || grant->version.value < before) ++too_old;
      },
      [&] {
        for (std::uint32_t version = 2; version <= kVersions; ++version) {
          ledger.tell({ledger.story.about(key, KeyRenamed{{std::to_string(version)}})});
          published = version;
        }
      });
  EXPECT_EQ(too_old, 0);
  EXPECT_EQ(ledger.grant(creation(created))->version.value, kVersions);
}

TEST_F(FreshGrants, AreNeverOfAUsernameFromBeforeOneThatWasPublished) {
  constexpr int kUsernames = 500;
  std::atomic<int> published{0};
  std::atomic<int> too_old{0};
  ledger.tell({ledger.story.account_username_changed("0")});
  while_reading(
      [&] {
        const int before = published.load();
        const auto grant = ledger.grant(creation(created));
        if (!grant || number_in(grant->username) < before) ++too_old;
      },
      [&] {
        for (int n = 1; n <= kUsernames; ++n) {
          ledger.tell({ledger.story.account_username_changed(std::to_string(n))});
          published = n;
        }
      });
  EXPECT_EQ(too_old, 0);
}

TEST_F(FreshGrants, AreGoneOnceTheDeletionWasPublished) {
  constexpr unsigned kKeys = 300;
  std::vector<KeyCreated> facts;
  std::vector<Event> creations;
  for (unsigned n = 2; n < 2 + kKeys; ++n) {
    creations.push_back(ledger.story.key_created(nth_key_id(n)));
    facts.push_back(creation(creations.back()));
  }
  ledger.tell(creations);
  std::atomic<unsigned> deleted{0};  // So many of them, from the first on.
  std::atomic<int> too_old{0};
  while_reading(
      [&] {
        const unsigned gone = deleted.load();
        if (gone > 0 && ledger.grant(facts[gone - 1])) ++too_old;
        // So that what is deleted next lies in the cache.
        for (unsigned n = gone; n < gone + 3 && n < kKeys; ++n) (void)ledger.grant(facts[n]);
      },
      [&] {
        for (const KeyCreated& fact : facts) {
          ledger.tell({ledger.story.about(fact.key, KeyDeleted{})});
          ++deleted;
        }
      });
  EXPECT_EQ(too_old, 0);
}

}  // namespace
}  // namespace keyledger::projections
