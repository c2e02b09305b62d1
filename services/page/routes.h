#pragma once

#include <vector>

#include "services/http/router.h"

namespace keyledger::page {

/// The settings page and the API reference for people: `/`, `/reference` and what they load below
/// `/page/`. Files that were embedded at build time, the same for everybody: what they show of an
/// account they ask the API for. Any thread.
std::vector<http::Route> routes();

/// `/openapi.yaml`: schemas/openapi.yaml, as it was when this program was built. For nodes without
/// the page as well. Any thread.
http::Route openapi_route();

}  // namespace keyledger::page
