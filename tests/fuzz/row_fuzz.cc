// The read model's rows: bytes are a row or damaged, and a row is read as it is written.

#include <cstdint>
#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "projections/rows.h"
#include "tests/fuzz/promise.h"

namespace keyledger::projections {
namespace {

using fuzz::promise;

const AccountId kAccount{"acme"};
const KeyId kKey{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B2"};

/// Each of these reads `row`, and gives the row of what was read.
Result<std::string> rewrite_meta(std::string_view row) {
  const auto meta = read_meta_row(row);
  if (!meta) return fail(meta.error());
  return meta_row(*meta);
}

Result<std::string> rewrite_key(std::string_view row) {
  const auto state = read_key_row(keys_key(kAccount, kKey), row);
  if (!state) return fail(state.error());
  promise(state->id == kKey, "a key has the id under which its row lies");
  promise(state->status != KeyState::Status::absent, "a key that has a row was there");
  const std::string again = key_row(*state);
  const auto read_again = read_key_row(keys_key(kAccount, kKey), again);
  promise(read_again.has_value(), "a key's row that was written can be read");
  promise(state->status == KeyState::Status::deleted || *read_again == *state,
          "a live key is read as it was written");
  promise(state->status == KeyState::Status::live ||
              (read_again->name.value.empty() && !read_again->description &&
               read_again->value_hint.empty() && read_again->digest == state->digest),
          "a deleted key's row has none of its texts");
  return again;
}

Result<std::string> rewrite_grant(std::string_view row) {
  const auto grant = read_grant_row(row);
  if (!grant) return fail(grant.error());
  KeyState key;
  key.id = grant->key;
  key.name = grant->name;
  key.enabled = grant->enabled;
  key.expires_at = grant->expires_at;
  key.version = grant->version;
  return grant_row(grant->account, grant->username, key);
}

Result<std::string> rewrite_account(std::string_view row) {
  const auto account = read_account_row(row);
  if (!account) return fail(account.error());
  return account_row(*account);
}

Result<std::string> rewrite_idempotency(std::string_view row) {
  const auto record = read_idempotency_row(row);
  if (!record) return fail(record.error());
  return idempotency_row(*record);
}

Result<std::string> rewrite_index(std::string_view row) {
  const auto entry = read_index_row(row);
  if (!entry) return fail(entry.error());
  promise(index_row(*entry) == row, "an index's row has one form");
  return index_row(*entry);
}

constexpr Result<std::string> (*kRewrites[])(std::string_view) = {
    rewrite_meta, rewrite_key, rewrite_grant, rewrite_account, rewrite_idempotency, rewrite_index};

/// What `rewrite` makes of `row`, which begins `shift` bytes behind an aligned address and ends
/// where its memory does, so that a look beyond is seen.
Result<std::string> rewrite_at(Result<std::string> (*rewrite)(std::string_view),
                               std::string_view row, std::size_t shift) {
  std::vector<char> memory(shift + row.size());
  std::copy(row.begin(), row.end(), memory.begin() + static_cast<std::ptrdiff_t>(shift));
  return rewrite({memory.data() + shift, row.size()});
}

void check_row(Result<std::string> (*rewrite)(std::string_view), std::string_view row,
               std::size_t shift) {
  const auto written = rewrite_at(rewrite, row, 0);
  const auto shifted = rewrite_at(rewrite, row, shift);
  promise(written.has_value() == shifted.has_value(), "it doesn't matter where a row lies");
  if (!written) {
    promise(written.error().code == Errc::damaged, "bytes are a row or damaged");
    return;
  }
  promise(*written == *shifted, "it doesn't matter where a row lies");
  const auto again = rewrite(*written);
  promise(again.has_value(), "a row that was written can be read");
  promise(*again == *written, "a row is read as it was written");
}

void check_keys(std::string_view row, Instant left, Instant right) {
  promise((time_key(left) < time_key(right)) == (left < right), "keys sort by time");
  promise(read_time_key(time_key(left, row)) == left, "a time's key is read as it was written");
  if (const auto position = read_position_key(row)) {
    promise(position_key(*position) == row, "a position's key has one form");
  }
  if (const auto at = read_time_key(row)) {
    promise(time_key(*at, row.substr(kTimeBytes)) == row, "a time's key has one form");
  }
  if (const auto position = read_index_key(row)) {
    promise(row.ends_with(position_key(*position)), "an index's key ends with its position");
    promise(read_index_key(index_key(row, *position)) == position,
            "an index's key is read as it was written");
  }
}

}  // namespace
}  // namespace keyledger::projections

/// A row; behind it, from the end on, of which kind, where it lies, and two instants.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyledger::projections;
  FuzzedDataProvider input(data, size);
  const std::size_t kind = input.ConsumeIntegralInRange<std::size_t>(0, std::size(kRewrites) - 1);
  const auto shift = input.ConsumeIntegralInRange<std::size_t>(1, 7);
  const auto instant = [&input] {
    return keyledger::Instant{std::chrono::microseconds{input.ConsumeIntegral<std::int64_t>()}};
  };
  const keyledger::Instant left = instant();
  const keyledger::Instant right = instant();
  const std::string row = input.ConsumeRemainingBytesAsString();
  check_row(kRewrites[kind], row, shift);
  check_keys(row, left, right);
  return 0;
}
