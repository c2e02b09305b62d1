#include "events/time.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace keyledger {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr Instant kEarliest = sys_days{std::chrono::year{0} / 1 / 1};
constexpr Instant kLatest = sys_days{std::chrono::year{10'000} / 1 / 1} - microseconds{1};

/// Writes `value` right-aligned into the `width` characters from `text[at]` on; they hold zeros.
void put_number(std::string& text, std::size_t at, std::size_t width, std::uint64_t value) {
  for (std::size_t i = at + width; i > at; --i) {
    text[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

/// Takes a time apart from left to right. After the first thing that does not fit, `ok` is false.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  /// Exactly `width` digits.
  int number(std::size_t width) {
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::optional<int> digit = next_digit();
      if (!digit) {
        ok_ = false;
        return 0;
      }
      value = value * 10 + *digit;
    }
    return value;
  }

  std::optional<int> next_digit() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return std::nullopt;
    const int digit = rest_.front() - '0';
    rest_.remove_prefix(1);
    return digit;
  }

  bool take_any(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == characters.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect_any(std::string_view characters) { ok_ = take_any(characters) && ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<sys_days> read_date(Reader& reader) {
  const int year = reader.number(4);
  reader.expect_any("-");
  const int month = reader.number(2);
  reader.expect_any("-");
  const int day = reader.number(2);
  const year_month_day date{std::chrono::year{year},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!reader.ok() || !date.ok()) return std::nullopt;
  return sys_days{date};
}

std::optional<microseconds> read_fraction(Reader& reader) {
  int digits = 0;
  microseconds fraction{0};
  microseconds unit{100'000};
  while (const std::optional<int> digit = reader.next_digit()) {
    fraction += *digit * unit;
    unit /= 10;
    ++digits;
  }
  if (digits < 1 || digits > 9) return std::nullopt;
  return fraction;
}

std::optional<microseconds> read_time_of_day(Reader& reader) {
  const int hour = reader.number(2);
  reader.expect_any(":");
  const int minute = reader.number(2);
  reader.expect_any(":");
  const int second = reader.number(2);
  if (!reader.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;

  const microseconds whole = hours{hour} + minutes{minute} + seconds{second};
  if (!reader.take_any(".")) return whole;
  const std::optional<microseconds> fraction = read_fraction(reader);
  if (!fraction) return std::nullopt;
  return whole + *fraction;
}

std::optional<minutes> read_offset(Reader& reader) {
  if (reader.take_any("Zz")) return minutes{0};
  const bool west = reader.take_any("-");
  if (!west) reader.expect_any("+");
  const int hour = reader.number(2);
  reader.expect_any(":");
  const int minute = reader.number(2);
  if (!reader.ok() || hour > 23 || minute > 59) return std::nullopt;
  const minutes offset = hours{hour} + minutes{minute};
  return west ? -offset : offset;
}

std::optional<Instant> read_instant(std::string_view text) {
  Reader reader(text);
  const auto date = read_date(reader);
  if (!date) return std::nullopt;
  reader.expect_any("Tt");
  const auto time_of_day = read_time_of_day(reader);
  if (!time_of_day) return std::nullopt;
  const auto offset = read_offset(reader);
  if (!offset || !reader.ok() || !reader.at_end()) return std::nullopt;

  const Instant at = *date + *time_of_day - *offset;
  if (at < kEarliest || at > kLatest) return std::nullopt;
  return at;
}

}  // namespace

std::string format_instant(Instant at) {
  const Instant clamped = std::clamp(at, kEarliest, kLatest);
  const sys_days day = std::chrono::floor<days>(clamped);
  const year_month_day date{day};
  const std::chrono::hh_mm_ss<microseconds> time{clamped - day};

  std::string text = "0000-00-00T00:00:00.000000Z";
  put_number(text, 0, 4, static_cast<std::uint64_t>(static_cast<int>(date.year())));
  put_number(text, 5, 2, static_cast<unsigned>(date.month()));
  put_number(text, 8, 2, static_cast<unsigned>(date.day()));
  put_number(text, 11, 2, static_cast<std::uint64_t>(time.hours().count()));
  put_number(text, 14, 2, static_cast<std::uint64_t>(time.minutes().count()));
  put_number(text, 17, 2, static_cast<std::uint64_t>(time.seconds().count()));
  put_number(text, 20, 6, static_cast<std::uint64_t>(time.subseconds().count()));
  return text;
}

Result<Instant> parse_instant(std::string_view text) {
  const std::optional<Instant> at = read_instant(text);
  if (!at) {
    return fail(Errc::malformed,
                "must be a time as in RFC 3339, for example 2026-11-24T11:17:30Z or "
                "2026-11-24T12:17:30.25+01:00");
  }
  return *at;
}

}  // namespace keyledger
