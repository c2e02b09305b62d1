#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "events/events.h"
#include "events/log/codec.h"

namespace keyledger {
namespace {

/// The log that all the examples are from.
constexpr std::string_view kLogId = "01M86VBX8G6ENFQH8R3T2W9YZA";

std::vector<std::string> names_of_types() {
  std::vector<std::string> names;
  const auto add = [&names]<typename... Facts>(std::variant<Facts...>*) {
    (names.emplace_back(type_name(Fact{Facts{}})), ...);
  };
  add(static_cast<Fact*>(nullptr));
  return names;
}

/// The one line of a type's example, without its end.
std::string golden(const std::string& type) {
  const auto path = std::filesystem::path(KEYLEDGER_SCHEMAS) / "examples" / (type + ".json");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class GoldenEvent : public testing::TestWithParam<std::string> {};

TEST_P(GoldenEvent, IsReadAndWrittenAgain_HasTheSameBytes) {
  const std::string bytes = golden(GetParam());
  const auto decoded = log::decode(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  const auto* event = std::get_if<Event>(&*decoded);
  ASSERT_NE(event, nullptr) << "the type is not known";
  EXPECT_EQ(type_name(event->fact), GetParam());

  const auto encoded = log::encode(*event, kLogId);
  ASSERT_TRUE(encoded) << encoded.error().message;
  EXPECT_EQ(*encoded, bytes);
}

INSTANTIATE_TEST_SUITE_P(OfEveryType, GoldenEvent, testing::ValuesIn(names_of_types()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace keyledger
