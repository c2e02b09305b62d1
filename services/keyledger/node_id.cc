#include "services/keyledger/node_id.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <span>
#include <system_error>
#include <unistd.h>

#include "services/security/crypto.h"

namespace keyledger {
namespace {

constexpr std::size_t kMostBytes = 255;

bool is_node_id(const std::string& text) {
  const auto is_graphic = [](char c) { return c > ' ' && c < 0x7f; };
  return !text.empty() && text.size() <= kMostBytes && std::ranges::all_of(text, is_graphic);
}

}  // namespace

std::string host_name() {
  std::array<char, 128> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
}

Result<std::string> open_node_id(const std::filesystem::path& file) {
  std::string id;
  if (std::ifstream in(file); in) {
    std::getline(in, id);
    if (is_node_id(id)) return id;
    return fail(Errc::incompatible, file.string() +
                                        " holds no node's id: delete it, and a new one "
                                        "is made");
  }
  std::array<unsigned char, 4> random{};
  security::random_bytes(std::as_writable_bytes(std::span(random)));
  id = host_name() + "-" + security::to_hex(std::as_bytes(std::span(random)));
  const auto made = std::filesystem::path(file.string() + ".new");
  std::ofstream out(made);
  out << id << '\n';
  out.close();
  std::error_code ec;
  if (out) std::filesystem::rename(made, file, ec);
  if (!out || ec) return fail(Errc::io, "can't write " + file.string());
  return id;
}

}  // namespace keyledger
