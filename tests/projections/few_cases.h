#pragma once

#include <iostream>
#include <utility>

#include <rapidcheck.h>

namespace keyledger::projections {

/// rc::check() with fewer cases than its hundred, for properties of which each case makes read
/// models of its own: that takes tens of milliseconds, and several times as long under a sanitizer.
template <typename Property>
bool holds_in_few_cases(Property&& property) {
  constexpr int kCases = 15;
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = kCases;
  const auto result = rc::detail::checkTestable(std::forward<Property>(property),
                                                rc::detail::TestMetadata{}, params);
  if (result.template is<rc::detail::SuccessResult>()) return true;
  rc::detail::printResultMessage(result, std::cerr);
  std::cerr << std::endl;
  return false;
}

}  // namespace keyledger::projections
