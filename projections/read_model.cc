#include "projections/read_model.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <xxhash.h>

#include "projections/rows.h"
#include "projections/store.h"

namespace keyledger::projections {
namespace {

constexpr std::size_t kReaderCacheBytes = std::size_t{32} << 20U;

/// Hashes rows of any length so that no two different sequences of rows feed the same bytes.
class RowHash {
 public:
  RowHash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

  void add(Family family, std::string_view key, std::string_view value) {
    add(family_name(family));
    add(key);
    add(value);
  }

  std::string hex() const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    std::string text;
    for (const unsigned char byte : canonical.digest) {
      text += kDigits[byte >> 4U];
      text += kDigits[byte & 0xFU];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  void add(std::string_view text) {
    const std::uint64_t length = text.size();
    XXH3_128bits_update(state_.get(), &length, sizeof(length));
    XXH3_128bits_update(state_.get(), text.data(), text.size());
  }

  std::unique_ptr<XXH3_state_t, Free> state_;
};

Result<std::unique_ptr<ReadModel>> open(const std::filesystem::path& directory, Store::Mode mode,
                                        std::size_t cache_bytes) {
  auto store = Store::open(directory, mode, cache_bytes);
  if (!store) return fail(std::move(store.error()));
  const auto format = (*store)->get(Family::meta, kFormatKey);
  if (!format) return fail(format.error());
  const std::string ours = std::to_string(kRowFormat);
  if (!*format && mode != Store::Mode::read) {
    const auto written =
        (*store)->write({{Family::meta, Change::Kind::put, std::string(kFormatKey), ours}});
    if (!written) return fail(written.error());
  } else if (*format != ours) {
    return fail(Errc::incompatible, "the read model " + directory.string() + " has row format " +
                                        format->value_or("none") + ", and this program has " +
                                        ours + ": run keyledger projection rebuild");
  }
  return std::make_unique<ReadModel>(std::move(*store));
}

}  // namespace

ReadModel::ReadModel(std::unique_ptr<Store> store) : store_(std::move(store)) {}

ReadModel::~ReadModel() = default;

Result<std::optional<Grant>> ReadModel::grant(const Digest& digest) const {
  rocksdb::PinnableSlice row;
  const auto found = store_->get(Family::grants, digest_key(digest), row);
  if (!found) return fail(found.error());
  if (!*found) return std::optional<Grant>{};
  auto grant = read_grant_row(row.ToStringView());
  if (!grant) return fail(std::move(grant.error()));
  return std::optional(std::move(*grant));
}

Result<KeyState> ReadModel::key(const AccountId& account, const KeyId& key) const {
  const std::string row_key = keys_key(account, key);
  rocksdb::PinnableSlice row;
  const auto found = store_->get(Family::keys, row_key, row);
  if (!found) return fail(found.error());
  if (!*found) return KeyState{};
  return read_key_row(row_key, row.ToStringView());
}

Result<AccountState> ReadModel::account(const AccountId& account) const {
  const auto row = store_->get(Family::accounts, account.value);
  if (!row) return fail(row.error());
  if (!*row) return AccountState{};
  return read_account_row(**row);
}

Result<std::optional<IdempotencyRecord>> ReadModel::idempotency(const std::string& key_hash) const {
  const auto row = store_->get(Family::idempotency, key_hash);
  if (!row) return fail(row.error());
  if (!*row) return std::optional<IdempotencyRecord>{};
  auto record = read_idempotency_row(**row);
  if (!record) return fail(std::move(record.error()));
  return std::optional(std::move(*record));
}

Result<MetaRow> ReadModel::meta() const {
  const auto row = store_->get(Family::meta, kMetaKey);
  if (!row) return fail(row.error());
  if (!*row) return MetaRow{kRowFormat, {}, {}, {}, {}, {}, {}, 0};
  return read_meta_row(**row);
}

Result<ReadModel::Checksum> ReadModel::checksum() const {
  RowHash hash;
  Result<MetaRow> meta = MetaRow{};
  const auto read =
      store_->scan_all([&](Family family, std::string_view key, std::string_view value) {
        if (family == Family::meta && key == kMetaKey) meta = read_meta_row(value);
        hash.add(family, key, value);
      });
  if (!read) return fail(read.error());
  if (!meta) return fail(meta.error());
  return Checksum{meta->position, hash.hex()};
}

Result<void> ReadModel::checkpoint(const std::filesystem::path& directory) const {
  return store_->checkpoint(directory);
}

Result<std::unique_ptr<ReadModel>> open_read_model(const std::filesystem::path& directory,
                                                   const ReadModelOptions& options) {
  return open(directory, Store::Mode::serve, options.cache_bytes);
}

Result<std::unique_ptr<ReadModel>> open_read_model_for_reading(
    const std::filesystem::path& directory) {
  return open(directory, Store::Mode::read, kReaderCacheBytes);
}

}  // namespace keyledger::projections
