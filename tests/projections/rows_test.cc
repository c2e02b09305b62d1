#include "projections/rows.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "events/unique_id.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

const AccountId kAcme{"acme"};
const Instant kNow = kStoryBegins;

KeyState a_key() {
  return {KeyState::Status::live,
          nth_key_id(1),
          Version{7},
          KeyName{"bücher"},
          Description{"of the nightly jobs"},
          true,
          kNow,
          kNow + std::chrono::hours{1},
          digest_filled_with(0xAB),
          "kl_…a1B2"};
}

IdempotencyRecord a_record() {
  return {std::string(64, 'b'), Position{5}, Position{7}, kAcme, nth_key_id(1), kNow};
}

MetaRow a_meta() {
  return {kRowFormat,
          std::string(kStoryLogId),
          "5a5a5a5a",
          Position{9},
          Term{nth_unique_id(2)},
          kNow,
          {"node-a", "http://192.0.2.1:8080"}};
}

/// A kind of rows: one that is whole, and how it is read. Reading says whether it could be.
struct Kind {
  std::string row;
  std::function<Result<void>(std::string_view)> read;
};

template <typename T>
Result<void> without_value(const Result<T>& result) {
  if (!result) return fail(result.error());
  return {};
}

std::vector<Kind> kinds() {
  KeyState deleted = a_key();
  deleted.status = KeyState::Status::deleted;
  const auto read_key = [key = keys_key(kAcme, nth_key_id(1))](std::string_view row) {
    return without_value(read_key_row(key, row));
  };
  const auto read_meta = [](std::string_view row) { return without_value(read_meta_row(row)); };
  return {
      {meta_row(a_meta()), read_meta},
      {meta_row({}), read_meta},
      {key_row(a_key()), read_key},
      {key_row(deleted), read_key},
      {grant_row(kAcme, Username{"ada@example.com"}, a_key()),
       [](std::string_view row) { return without_value(read_grant_row(row)); }},
      {account_row({true, Username{"ada@example.com"}, kNow}),
       [](std::string_view row) { return without_value(read_account_row(row)); }},
      {index_row({kNow, "acme", "KeyRenamed"}),
       [](std::string_view row) { return without_value(read_index_row(row)); }},
      {idempotency_row(a_record()),
       [](std::string_view row) { return without_value(read_idempotency_row(row)); }},
  };
}

/// Reads bytes that lie in memory of just their length, so that the sanitizer sees a step beyond.
/// Either a row is read, or it is `damaged`.
bool is_read_or_damaged(const Kind& kind, std::string_view bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  const auto read = kind.read({exact.data(), exact.size()});
  return read || read.error().code == Errc::damaged;
}

TEST(Rows, OfAKey_AreReadAsTheyWereWritten) {
  const std::string key = keys_key(kAcme, nth_key_id(1));
  EXPECT_EQ(must(read_key_row(key, key_row(a_key()))), a_key());
  KeyState bare = a_key();
  bare.description.reset();
  bare.expires_at.reset();
  bare.enabled = false;
  EXPECT_EQ(must(read_key_row(key, key_row(bare))), bare);
}

TEST(Rows, OfADeletedKey_HaveNoneOfItsTexts) {
  KeyState deleted = a_key();
  deleted.status = KeyState::Status::deleted;
  const std::string row = key_row(deleted);
  for (const char* text : {"cher", "nightly", "a1B2"}) EXPECT_EQ(row.find(text), row.npos);
}

TEST(Rows, OfAGrant_AreReadAsTheyWereWritten) {
  const Grant grant{kAcme, Username{"ada@example.com"}, a_key().id, a_key().name,
                    true,  a_key().expires_at,          Version{7}};
  EXPECT_EQ(must(read_grant_row(grant_row(kAcme, Username{"ada@example.com"}, a_key()))), grant);
}

TEST(Rows, OfAnAccount_AreReadAsTheyWereWritten) {
  const AccountState account{true, Username{"ada@example.com"}, kNow};
  EXPECT_EQ(must(read_account_row(account_row(account))), account);
}

TEST(Rows, OfMeta_AreReadAsTheyWereWritten) {
  const auto meta = must(read_meta_row(meta_row(a_meta())));
  EXPECT_EQ(meta.log_id, a_meta().log_id);
  EXPECT_EQ(meta.pepper_fingerprint, a_meta().pepper_fingerprint);
  EXPECT_EQ(meta.position, a_meta().position);
  EXPECT_EQ(meta.term, a_meta().term);
  EXPECT_EQ(meta.last_event_time, a_meta().last_event_time);
}

TEST(Rows, OfAnIdempotencyKey_AreReadAsTheyWereWritten) {
  const auto record = must(read_idempotency_row(idempotency_row(a_record())));
  EXPECT_EQ(record.request_hash, a_record().request_hash);
  EXPECT_EQ(record.first, Position{5});
  EXPECT_EQ(record.last, Position{7});
  EXPECT_EQ(record.account, kAcme);
  EXPECT_EQ(record.key, nth_key_id(1));
  EXPECT_EQ(record.time, kNow);
  const auto bare = must(read_idempotency_row(idempotency_row({})));
  EXPECT_EQ(bare.account, std::nullopt);
  EXPECT_EQ(bare.key, std::nullopt);
}

TEST(Rows, OfAnIndex_AreReadAsTheyWereWritten) {
  const std::string row = index_row({kNow, "acme", "KeyRenamed"});
  const auto entry = must(read_index_row(row));
  EXPECT_EQ(entry.time, kNow);
  EXPECT_EQ(entry.account, "acme");
  EXPECT_EQ(entry.type, "KeyRenamed");
}

TEST(RowKeys, OfPositionsAndInstants_SortAsThose) {
  EXPECT_TRUE(rc::check([](std::uint64_t left, std::uint64_t right) {
    const Position a{left};
    const Position b{right};
    RC_ASSERT((position_key(a) < position_key(b)) == (a < b));
    RC_ASSERT((index_key("acme", a) < index_key("acme", b)) == (a < b));
    RC_ASSERT(read_position_key(position_key(a)) == a);
    RC_ASSERT(read_index_key(index_key("acme", a)) == a);
    const Instant early{std::chrono::microseconds{static_cast<std::int64_t>(left)}};
    const Instant late{std::chrono::microseconds{static_cast<std::int64_t>(right)}};
    RC_ASSERT((time_key(early) < time_key(late)) == (early < late));
    RC_ASSERT(read_time_key(time_key(early, "more")) == early);
  }));
}

CommandId command_at(Instant at, int n = 0) {
  return CommandId{make_unique_id(at, IdEntropy{static_cast<std::byte>(n)})};
}

TEST(CommandRows, OfOneMinute_AreOneRow) {
  const Instant minute = std::chrono::floor<std::chrono::minutes>(kNow);
  const auto key = commands_key(command_at(minute), {}, minute);
  EXPECT_EQ(commands_key(command_at(minute + std::chrono::milliseconds{59'999}), {}, minute), key);
  EXPECT_LT(commands_key(command_at(minute - std::chrono::milliseconds{1}), {}, {}), key);
  EXPECT_GT(commands_key(command_at(minute + std::chrono::minutes{1}), {}, minute), key);
  EXPECT_EQ(commands_key(CommandId{"of another form"}, minute, {}), key)
      << "is by the event's time";
  EXPECT_EQ(commands_key(command_at(Instant{}), minute, minute), key) << "as is one from before";
}

TEST(CommandRows, OfIdsOneBehindTheOther_HaveEachAndNoOther) {
  const CommandId other{std::string("\x03 a", 3)};
  std::string row;
  for (int n : {1, 3, 2}) row += commands_entry(command_at(kNow, n));
  row += commands_entry(other);
  for (int n : {1, 2, 3}) EXPECT_TRUE(has_command(row, command_at(kNow, n)));
  EXPECT_TRUE(has_command(row, other));
  EXPECT_FALSE(has_command(row, command_at(kNow, 4)));
  EXPECT_FALSE(has_command(row, CommandId{command_at(kNow, 1).value.substr(1)}));
  EXPECT_FALSE(has_command({}, other));
  EXPECT_EQ(newest_command(row), command_at(kNow, 3));
  EXPECT_EQ(newest_command(commands_entry(other)), std::nullopt);
  EXPECT_EQ(newest_command({}), std::nullopt);
}

TEST(CommandRows, OfALongId_HoldItAndNoOther) {
  const CommandId id{std::string(1'000, 'x')};
  EXPECT_TRUE(has_command(commands_entry(id), id));
  EXPECT_FALSE(has_command(commands_entry(id), CommandId{id.value + "y"}));
  EXPECT_FALSE(has_command(commands_entry(id), CommandId{std::string(255, 'x')}));
  EXPECT_TRUE(has_command(commands_entry(CommandId{std::string(255, 'x')}),
                          CommandId{std::string(255, 'x')}));
}

TEST(CommandRows, CutOffAnywhere_AreReadWithoutHarm) {
  const std::string row = commands_entry(command_at(kNow)) + commands_entry(command_at(kNow, 1));
  for (std::size_t bytes = 0; bytes < row.size(); ++bytes) {
    EXPECT_FALSE(has_command(row.substr(0, bytes), command_at(kNow, 1)));
    newest_command(row.substr(0, bytes));
  }
}

TEST(RowKeys, ThatAreTooShort_AreNone) {
  EXPECT_EQ(read_position_key("1234567"), std::nullopt);
  EXPECT_EQ(read_position_key("123456789"), std::nullopt);
  EXPECT_EQ(read_index_key("12345678"), std::nullopt);
  EXPECT_EQ(read_time_key("1234567"), std::nullopt);
}

TEST(DamagedRows, CutOffAnywhere_AreDamaged) {
  for (const Kind& kind : kinds()) {
    for (std::size_t bytes = 0; bytes < kind.row.size(); ++bytes) {
      EXPECT_TRUE(is_read_or_damaged(kind, kind.row.substr(0, bytes))) << bytes;
    }
    EXPECT_FALSE(kind.read(""));
    EXPECT_FALSE(kind.read(kind.row.substr(0, 4)));
  }
}

TEST(DamagedRows, OfAnyBytes_AreReadOrDamaged) {
  const auto all = kinds();
  EXPECT_TRUE(rc::check([&](const std::string& bytes) {
    for (const Kind& kind : all) RC_ASSERT(is_read_or_damaged(kind, bytes));
  }));
}

TEST(DamagedRows, WithAnyBytesChanged_AreReadOrDamaged) {
  const auto all = kinds();
  EXPECT_TRUE(rc::check([&](std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t end) { return random() % end; };
    for (int i = 0; i < 200; ++i) {
      const Kind& kind = all[below(all.size())];
      std::string row = kind.row;
      for (std::size_t changes = below(4) + 1; changes > 0; --changes) {
        // Offsets and lengths are small numbers and their complements.
        const int small = static_cast<int>(below(64)) - 32;
        const std::size_t at = below(row.size());
        if (below(2) == 0) {
          row[at] = static_cast<char>(below(256));
        } else {
          std::memcpy(&row[at], &small, std::min(sizeof(small), row.size() - at));
        }
      }
      if (below(4) == 0) row.resize(below(row.size()) + 1);
      RC_ASSERT(is_read_or_damaged(kind, row));
    }
  }));
}

TEST(DamagedRows, OfAKeyUnderAKeyWithoutAccount_AreDamaged) {
  expect_error(read_key_row("no separator", key_row(a_key())), Errc::damaged);
}

TEST(Rows, AtAnyAddress_AreRead) {
  for (const Kind& kind : kinds()) {
    for (std::size_t offset = 0; offset < 8; ++offset) {
      const std::string shifted = std::string(offset, 'x') + kind.row;
      EXPECT_TRUE(kind.read(std::string_view(shifted).substr(offset))) << offset;
    }
  }
}

}  // namespace
}  // namespace keyledger::projections
