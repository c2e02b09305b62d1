# Writes OUTPUT, a C++ file that holds the files FILES (paths, separated by "|"), each as it is and as gzip -9 has it, with
# an entity tag that is a hash of its content.
find_program(GZIP gzip REQUIRED)
string(REPLACE "|" ";" FILES "${FILES}")
set(arrays "")
set(rows "")
set(number 0)

# Sets `result` to the file's bytes as C++ numbers, and `result`_bytes to how many they are.
function(read_bytes file result)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR count "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," numbers "${hex}")
  set(${result} "${numbers}" PARENT_SCOPE)
  set(${result}_bytes ${count} PARENT_SCOPE)
endfunction()

foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  set(packed ${OUTPUT}.gz)
  execute_process(COMMAND ${GZIP} -9 -n -c ${file} OUTPUT_FILE ${packed} COMMAND_ERROR_IS_FATAL ANY)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 20 tag)
  read_bytes(${file} plain)
  read_bytes(${packed} gzip)
  file(REMOVE ${packed})
  string(APPEND arrays "constexpr unsigned char kPlain${number}[] = {${plain}};\n")
  string(APPEND arrays "constexpr unsigned char kGzip${number}[] = {${gzip}};\n")
  string(APPEND rows "    {\"${name}\", \"${tag}\", view(kPlain${number}), view(kGzip${number})},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUTPUT} "#include \"services/page/assets.h\"\n
#include <array>
#include <cstddef>\n
namespace keyledger::page {
namespace {\n
${arrays}
template <std::size_t N>
std::string_view view(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}\n
}  // namespace\n
std::span<const Asset> assets() {
  static const std::array<Asset, ${number}> all{{
${rows}  }};
  return all;
}\n
}  // namespace keyledger::page\n")
