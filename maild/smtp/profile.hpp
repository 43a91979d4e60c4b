// Profile: what a listener decides about its sessions. MX, submission and LMTP are one session with different profiles.
// Made by the composition root from a listener resource; a value, copied into each session.
#pragma once

#include "common/base/time.hpp"
#include "common/net/tls_context.hpp"
#include "common/schema/format.hpp"
#include "maild/service/directory.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {
struct Listener;
}

namespace mail::smtp {

enum class Role : std::uint8_t { mx, submission, lmtp };

struct Profile {
    Role role = Role::mx;
    std::string listener;                      ///< name, for the log
    std::shared_ptr<const net::TlsServer> tls; ///< offered by STARTTLS on a plain stream; null: not offered
    bool plaintext_auth = false;               ///< AUTH is offered and taken without TLS
    std::vector<schema::Network> relay_from;   ///< peers that may relay without signing in
    std::uint64_t max_message_size = 0;        ///< 0: the server's message_size
    Duration error_delay = std::chrono::seconds(1); ///< before the answer to each error over limit::smtp_errors_soft

    [[nodiscard]] bool is_lmtp() const noexcept { return role == Role::lmtp; }
    /// RFC 6409: sign-in first, own sender addresses only, missing fields are added.
    [[nodiscard]] bool is_submission() const noexcept { return role == Role::submission; }
    [[nodiscard]] service::Protocol protocol() const noexcept;
    /// Whether this numeric address is within relay_from. Unix sockets and memory streams (no address) are not.
    [[nodiscard]] bool may_relay(std::string_view address) const;
};

/// The profile of a listener of protocol smtp, submission or lmtp. Errors: invalid (another protocol, bad network).
/// `tls` is used when the listener says starttls.
[[nodiscard]] Result<Profile> profile_of(const schema::Listener& listener, std::shared_ptr<const net::TlsServer> tls);

} // namespace mail::smtp
