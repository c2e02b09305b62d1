#include "projections/row_cache.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <sys/mman.h>
#include <type_traits>

namespace keyledger::projections {
namespace {

/// Digests are uniform: any of their bytes are as good as a hash.
template <typename Bits>
Bits bits(std::string_view key, std::size_t offset) {
  Bits value = 0;
  std::memcpy(&value, key.data() + offset, sizeof(value));
  return value;
}

constexpr std::size_t kPageBytes = std::size_t{2} << 20U;
constexpr std::size_t kTagOffset = 8;
constexpr std::size_t kStampOffset = 12;

}  // namespace

/// Owns a bucket for a moment, or doesn't get it.
class RowCache::Lock {
 public:
  explicit Lock(Bucket& bucket)
      : bucket_(bucket), owned_(!bucket.busy.exchange(true, std::memory_order_acquire)) {}
  ~Lock() {
    if (owned_) bucket_.busy.store(false, std::memory_order_release);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  explicit operator bool() const { return owned_; }

 private:
  Bucket& bucket_;
  const bool owned_;
};

void RowCache::Free::operator()(void* memory) const { std::free(memory); }

template <typename T>
RowCache::Table<T> RowCache::make_table(std::size_t count) {
  static_assert(std::is_trivially_destructible_v<T>);
  const std::size_t bytes = (count * sizeof(T) + kPageBytes - 1) / kPageBytes * kPageBytes;
  void* const memory = std::aligned_alloc(kPageBytes, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  madvise(memory, bytes, MADV_HUGEPAGE);  // Without them it is slower, and no more than that.
  Table<T> table(static_cast<T*>(memory));
  std::uninitialized_default_construct_n(table.get(), count);
  return table;
}

RowCache::RowCache(std::size_t bytes)
    : buckets_(std::max<std::size_t>(1, bytes / (sizeof(Bucket) + kWays * sizeof(Entry)))),
      directory_(make_table<Bucket>(buckets_)),
      entries_(make_table<Entry>(buckets_ * kWays)),
      stamps_(std::make_unique<std::atomic<Stamp>[]>(kStamps)) {}

bool RowCache::find(std::string_view key, std::string& row) const {
  if (key.size() != kKeyBytes) return false;
  const std::size_t index = bits<std::uint64_t>(key, 0) % buckets_;
  Bucket& bucket = directory_[index];
  const auto tag = bits<std::uint16_t>(key, kTagOffset);
  const Stamp now = stamp(key);
  const Lock lock(bucket);
  if (!lock) return false;
  for (std::size_t way = 0; way < kWays; ++way) {
    if (bucket.tags[way] != tag || bucket.row_bytes[way] == 0 || bucket.stamps[way] != now)
      continue;
    const Entry& found = entry(index, way);
    if (std::memcmp(found.key.data(), key.data(), kKeyBytes) != 0) continue;
    row.assign(found.row.data(), bucket.row_bytes[way]);
    return true;
  }
  return false;
}

RowCache::Stamp RowCache::stamp(std::string_view key) const {
  return stamps_[bits<std::uint32_t>(key, kStampOffset) % kStamps].load(std::memory_order_acquire);
}

void RowCache::insert(std::string_view key, std::string_view row, Stamp stamp) const {
  if (key.size() != kKeyBytes || row.empty() || row.size() > kRowBytes) return;
  const std::size_t index = bits<std::uint64_t>(key, 0) % buckets_;
  Bucket& bucket = directory_[index];
  const auto tag = bits<std::uint16_t>(key, kTagOffset);
  const Lock lock(bucket);
  if (!lock) return;
  // In the place of its own older row, else of an empty one, else of the next in turn.
  std::size_t way = kWays;
  for (std::size_t i = 0; i < kWays; ++i) {
    if (bucket.row_bytes[i] == 0) way = i;
  }
  for (std::size_t i = 0; i < kWays; ++i) {
    if (bucket.row_bytes[i] != 0 && bucket.tags[i] == tag) way = i;
  }
  if (way == kWays) way = bucket.next_victim++ % kWays;
  bucket.tags[way] = tag;
  bucket.stamps[way] = stamp;
  bucket.row_bytes[way] = static_cast<std::uint8_t>(row.size());
  Entry& kept = entry(index, way);
  std::memcpy(kept.key.data(), key.data(), kKeyBytes);
  std::memcpy(kept.row.data(), row.data(), row.size());
}

void RowCache::invalidate(std::string_view key) {
  if (key.size() != kKeyBytes) return;
  stamps_[bits<std::uint32_t>(key, kStampOffset) % kStamps].fetch_add(1, std::memory_order_release);
}

}  // namespace keyledger::projections
