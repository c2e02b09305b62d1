#pragma once

#include <string_view>

namespace keyledger {

/// schemas/openapi.yaml, as it was when this program was built.
std::string_view openapi_yaml();

}  // namespace keyledger
