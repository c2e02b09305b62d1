#include "services/security/sessions.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

/// 256 random bits as 43 characters of base64url.
std::string new_secret() {
  std::array<char, 32> bytes{};
  random_bytes(std::as_writable_bytes(std::span(bytes)));
  return base64url_encode({bytes.data(), bytes.size()});
}

}  // namespace

std::string Sessions::make_link(Principal principal, Instant now) {
  std::string secret = new_secret();
  const std::scoped_lock lock(mutex_);
  forget_ended(now);
  if (links_.size() >= options_.max_links) {
    links_.erase(
        std::ranges::min_element(links_, {}, [](const auto& entry) { return entry.second.made; }));
  }
  links_.emplace(sha256(secret), Link{std::move(principal), now});
  return secret;
}

std::optional<std::string> Sessions::sign_in(std::string_view link, std::string_view replaced,
                                             Instant now) {
  std::string secret = new_secret();
  std::string csrf_token = new_secret();
  const std::scoped_lock lock(mutex_);
  forget_ended(now);
  const auto found = links_.find(sha256(link));
  if (found == links_.end()) return std::nullopt;
  Principal principal = std::move(found->second.principal);
  links_.erase(found);
  sessions_.erase(sha256(replaced));
  make_room();
  sessions_.emplace(sha256(secret), Open{{std::move(principal), std::move(csrf_token)}, now, now});
  return secret;
}

std::optional<Session> Sessions::use(std::string_view secret, Instant now) {
  const Digest digest = sha256(secret);
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(digest);
  if (found == sessions_.end() || has_ended(found->second, now)) return std::nullopt;
  found->second.used = std::max(found->second.used, now);
  return found->second.session;
}

std::optional<Session> Sessions::find(std::string_view secret, Instant now) const {
  const Digest digest = sha256(secret);
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(digest);
  if (found == sessions_.end() || has_ended(found->second, now)) return std::nullopt;
  return found->second.session;
}

void Sessions::end(std::string_view secret) {
  const Digest digest = sha256(secret);
  const std::scoped_lock lock(mutex_);
  sessions_.erase(digest);
}

bool Sessions::has_ended(const Open& open, Instant now) const {
  return now >= open.used + options_.idle_end || now >= open.began + options_.absolute_end;
}

void Sessions::forget_ended(Instant now) {
  std::erase_if(sessions_, [&](const auto& entry) { return has_ended(entry.second, now); });
  std::erase_if(links_,
                [&](const auto& entry) { return now >= entry.second.made + options_.link_end; });
}

void Sessions::make_room() {
  if (sessions_.size() < options_.max_sessions) return;
  sessions_.erase(
      std::ranges::min_element(sessions_, {}, [](const auto& entry) { return entry.second.used; }));
}

}  // namespace keyledger::security
