#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "events/vocabulary.h"
#include "services/security/access.h"

namespace keyledger::security {

/// Who signed in with a browser.
struct Session {
  Principal principal;
  /// What the page must send with everything that changes something: a page of another origin
  /// can't read it.
  std::string csrf_token;
};

/// The sessions of the settings page and the one-time links that begin them, in the memory of this
/// process alone: they end with it at the latest. Secrets are kept as their SHA-256, so that a look
/// at this memory, or at how long a look-up takes, gives no session away.
///
/// Times are given by the caller, who takes them from one clock. Thread safety: all members, from
/// any thread.
class Sessions {
 public:
  struct Options {
    std::chrono::seconds idle_end = std::chrono::hours(1);       ///< After its last use.
    std::chrono::seconds absolute_end = std::chrono::hours(12);  ///< After its sign-in.
    std::chrono::seconds link_end = std::chrono::minutes(15);
    std::size_t max_sessions = 1'000;  ///< One more ends the one that was unused for longest.
    std::size_t max_links = 16;        ///< One more takes the place of the oldest.
  };

  Sessions() : Sessions(Options{}) {}
  explicit Sessions(Options options) : options_(options) {}

  /// The secret of a new link, by which `principal` may sign in once.
  std::string make_link(Principal principal, Instant now);

  /// Uses up the link and opens a session, under a secret that nobody had before: the session that
  /// `replaced` opens, if it is one, ends. Nothing where the link isn't one, was used, or is too
  /// old.
  std::optional<std::string> sign_in(std::string_view link, std::string_view replaced, Instant now);

  /// The session that `secret` opens, if it hasn't ended; counts as a use of it.
  std::optional<Session> use(std::string_view secret, Instant now);

  /// The same, but doesn't count as a use.
  std::optional<Session> find(std::string_view secret, Instant now) const;

  /// Ends it for everybody who has its secret.
  void end(std::string_view secret);

 private:
  struct Open {
    Session session;
    Instant began;
    Instant used;
  };
  struct Link {
    Principal principal;
    Instant made;
  };

  bool has_ended(const Open& open, Instant now) const;
  // The caller of these holds mutex_.
  void forget_ended(Instant now);
  void make_room();

  const Options options_;
  mutable std::mutex mutex_;
  std::map<Digest, Open> sessions_;  ///< By the SHA-256 of their secrets. Guarded by mutex_.
  std::map<Digest, Link> links_;     ///< The same.
};

}  // namespace keyledger::security
