# Writes OUTPUT, a C++ file that holds the text of INPUT. A string literal may have 65,536 bytes at
# most, so the text is cut into pieces.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(literals "")
set(begin 0)
while(begin LESS length)
  string(SUBSTRING "${text}" ${begin} 8000 piece)
  string(APPEND literals "      R\"yaml(${piece})yaml\",\n")
  math(EXPR begin "${begin} + 8000")
endwhile()
file(WRITE ${OUTPUT} "#include \"services/keyledger/openapi.h\"\n
#include <initializer_list>
#include <string>\n
namespace keyledger {\n
std::string_view openapi_yaml() {
  static const std::string text = [] {
    std::string joined;
    for (const std::string_view piece : std::initializer_list<std::string_view>{
${literals}    }) {
      joined += piece;
    }
    return joined;
  }();
  return text;
}\n
}  // namespace keyledger\n")
