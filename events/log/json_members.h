#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace keyledger::log {

/// Keeps the first thing that was wrong with an object's members, so that reading goes on with
/// stand-in values to the end, and is judged there, once.
class MemberReader {
 public:
  void reject(std::string_view member, std::string_view what) {
    if (complaint_.empty()) complaint_.append("'").append(member).append("' ").append(what);
  }

  /// Empty if nothing was wrong.
  const std::string& complaint() const { return complaint_; }

 private:
  std::string complaint_;
};

/// The members of one JSON object that have a name in a list of `N`; others are passed over. Texts
/// live as long as the parser's document.
template <std::size_t N>
class JsonMembers {
 public:
  using Names = std::array<std::string_view, N>;

  /// Fastest when the members come in the order of `names`, which must outlive this object. Without
  /// an object: one without members.
  JsonMembers(std::optional<simdjson::dom::object> object, const Names& names, MemberReader& reader)
      : names_(names) {
    if (!object) return;
    std::size_t expected = 0;
    for (const auto& [name, value] : *object) {
      const std::size_t index = find(name, expected);
      if (index == N) continue;
      if (present_[index]) reader.reject(name, "is there twice");
      present_[index] = true;
      values_[index] = value;
      expected = index + 1;
    }
  }

  bool has(std::size_t index) const { return present_[index]; }

  std::string_view text(MemberReader& reader, std::size_t index) const {
    std::string_view value;
    if (!present_[index]) {
      reader.reject(names_[index], "is missing");
    } else if (values_[index].get(value)) {
      reader.reject(names_[index], "must be a string");
    }
    return value;
  }

  std::string_view non_empty_text(MemberReader& reader, std::size_t index) const {
    const std::string_view value = text(reader, index);
    if (value.empty()) reader.reject(names_[index], "is empty");
    return value;
  }

  std::optional<std::string_view> text_if_any(MemberReader& reader, std::size_t index) const {
    if (!present_[index]) return std::nullopt;
    return text(reader, index);
  }

  std::optional<std::string_view> text_or_null(MemberReader& reader, std::size_t index) const {
    if (present_[index] && values_[index].is_null()) return std::nullopt;
    return text(reader, index);
  }

  std::uint64_t number(MemberReader& reader, std::size_t index) const {
    std::uint64_t value = 0;
    if (!present_[index] || values_[index].get(value)) {
      reader.reject(names_[index], "must be a whole number");
    }
    return value;
  }

  bool boolean(MemberReader& reader, std::size_t index) const {
    bool value = false;
    if (!present_[index] || values_[index].get(value)) {
      reader.reject(names_[index], "must be true or false");
    }
    return value;
  }

  bool is_false(std::size_t index) const {
    bool value = true;
    return present_[index] && !values_[index].get(value) && !value;
  }

  std::optional<simdjson::dom::object> object(MemberReader& reader, std::size_t index) const {
    simdjson::dom::object value;
    if (!present_[index] || values_[index].get(value)) {
      reader.reject(names_[index], "must be an object");
      return std::nullopt;
    }
    return value;
  }

 private:
  /// The index of `name`, sought from `expected` on and round; N if it isn't listed.
  std::size_t find(std::string_view name, std::size_t expected) const {
    for (std::size_t step = 0; step < N; ++step) {
      const std::size_t index = expected + step < N ? expected + step : expected + step - N;
      if (names_[index] == name) return index;
    }
    return N;
  }

  const Names& names_;
  std::array<simdjson::dom::element, N> values_;
  std::bitset<N> present_;
};

}  // namespace keyledger::log
