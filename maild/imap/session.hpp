// IMAP4rev1 and IMAP4rev2 for one connection (RFC 3501, RFC 9051 and the extensions that CAPABILITY names): what a
// listener needs to serve it. Called on the connection's I/O thread, where it stays; never throws but for cancellation.
// Everything else is in connection.hpp, which only this folder includes.
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/stream.hpp"
#include "common/net/tls_context.hpp"
#include "maild/service/mailboxes.hpp"
#include "maild/service/sign_in.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mail::imap {

/// Outlive every session.
struct Services {
    service::Mailboxes& mailboxes;
    service::SignIn& sign_in;
    async::TaskGroup& tasks;  ///< owns the companions
    async::WorkerPool& pool;  ///< takes apart large messages
    const Clock& clock;
};

/// What the listener decides.
struct Profile {
    std::string hostname;
    bool offer_starttls = false;
    bool plaintext_auth = false; ///< passwords may be sent without TLS
    std::shared_ptr<const net::TlsServer> tls; ///< for STARTTLS
    std::function<bool()> is_overloaded; ///< empty: never
};

/// The whole connection; the stream is closed when it returns.
[[nodiscard]] Task<void> serve(Services services, Profile profile, std::unique_ptr<net::Stream> stream, std::string id);

} // namespace mail::imap
