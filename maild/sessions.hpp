// Sessions: which session serves a connection of which protocol. The only place that knows all of them.
#pragma once

#include "maild/imap/session.hpp"
#include "maild/listeners.hpp"
#include "maild/pop3/session.hpp"
#include "maild/smtp/session.hpp"

namespace mail {

/// What the sessions of all protocols share; outlives every session.
struct SessionServices {
    smtp::Services smtp;
    imap::Services imap;
    pop3::Services pop3;
};

/// Runs one connection to its end.
[[nodiscard]] Task<void> run_session(const SessionServices& services, std::shared_ptr<const ListenerSettings> settings,
                                     std::unique_ptr<net::Stream> stream, std::string id);

} // namespace mail
