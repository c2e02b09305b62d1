#pragma once

#include <span>
#include <string_view>

namespace keyledger::page {

/// A file of services/page/web, or schemas/openapi.yaml, as it was when this program was built.
struct Asset {
  std::string_view name;  ///< "index.html"
  std::string_view tag;   ///< A hash of its content, for an entity tag.
  std::string_view plain;
  std::string_view gzip;  ///< The same, as gzip (RFC 1952) has it.
};

std::span<const Asset> assets();

}  // namespace keyledger::page
