#include "events/crc32.h"

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

namespace keyledger {
namespace {

/// The definition, a bit at a time.
std::uint32_t crc32_by_definition(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

TEST(Crc32, OfTheCheckInput_IsTheCheckValue) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

TEST(Crc32, OfNothing_IsZero) { EXPECT_EQ(crc32(""), 0u); }

TEST(Crc32, OfAnyLength_IsWhatTheDefinitionGives) {
  std::string bytes;
  for (std::size_t length = 0; length < 100; ++length) {
    EXPECT_EQ(crc32(bytes), crc32_by_definition(bytes)) << length;
    bytes.push_back(static_cast<char>(length * 37 + 200));
  }
}

}  // namespace
}  // namespace keyledger
