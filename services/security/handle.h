#pragma once

#include <memory>

namespace keyledger::security {

template <auto free_function>
struct FreeWith {
  template <typename T>
  void operator()(T* handle) const {
    free_function(handle);
  }
};

/// Owns what a C library made: `Handle<EVP_PKEY, EVP_PKEY_free>`.
template <typename T, auto free_function>
using Handle = std::unique_ptr<T, FreeWith<free_function>>;

}  // namespace keyledger::security
