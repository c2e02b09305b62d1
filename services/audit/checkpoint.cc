#include "services/audit/checkpoint.h"

#include <array>
#include <charconv>
#include <utility>

#include "services/security/crypto.h"

namespace keyledger::audit {

std::string origin_of(std::string_view log_id) { return "keyledger/" + std::string(log_id); }

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + '\n' + std::to_string(checkpoint.size) + '\n' +
         security::base64_encode(merkle::bytes_of(checkpoint.root)) + '\n';
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  constexpr std::size_t kLines = 3;
  std::array<std::string_view, kLines> lines;
  for (std::string_view& line : lines) {
    const auto end = text.find('\n');
    if (end == text.npos) return fail(Errc::malformed, "it is no checkpoint: it has three lines");
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  const auto [end, error] = std::from_chars(lines[1].begin(), lines[1].end(), checkpoint.size);
  const bool is_number = !lines[1].empty() && error == std::errc{} && end == lines[1].end() &&
                         (lines[1].front() != '0' || lines[1].size() == 1);
  const auto root = security::base64_decode(lines[2]);
  if (checkpoint.origin.empty() || !is_number || !root || root->size() != merkle::kHashBytes) {
    return fail(Errc::malformed, "it is no checkpoint: origin, size and root are its lines");
  }
  checkpoint.root = merkle::hash_at(*root, 0);
  return checkpoint;
}

}  // namespace keyledger::audit
