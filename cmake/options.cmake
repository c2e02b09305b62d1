# What every target of ours is compiled with: link `keyledger_options` PRIVATE.
add_library(keyledger_options INTERFACE)
target_compile_features(keyledger_options INTERFACE cxx_std_23)
target_include_directories(keyledger_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(keyledger_options INTERFACE
  -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wthread-safety)
target_compile_definitions(keyledger_options INTERFACE BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION)
target_link_options(keyledger_options INTERFACE -fuse-ld=lld-19)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Sanitizers must reach every object of the build, so they are set here and not per target.
if(KEYLEDGER_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(KEYLEDGER_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
# Coverage, which steers libFuzzer, is needed of every object as well; its main() is the targets' alone.
if(KEYLEDGER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
