// Profile: what a listener decides about its sessions. MX, submission and LMTP are one session with different profiles.
// Made by the composition root from a listener resource; a value, copied into each session.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/time.hpp"
#include "common/net/tls_context.hpp"
#include "common/schema/format.hpp"
#include "maild/service/directory.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {
struct Listener;
}
namespace mail::net {
struct ClientCertificate;
}

namespace mail::smtp {

enum class Role : std::uint8_t { mx, submission, lmtp };

/// What one session may use up. The defaults are the table of limits; a listener's settings stand above them.
struct SessionLimits {
    std::uint64_t message_size = 0; ///< 0: the server's message_size
    std::size_t recipients = 0;     ///< 0: the server's recipients
    std::size_t recipient_domains = 0; ///< 0: no limit
    std::size_t messages = limit::smtp_messages;
    unsigned errors = limit::smtp_errors_hard;
    std::uint64_t bytes_per_second = limit::smtp_bytes_per_second;
    Duration hello = std::chrono::seconds(limit::smtp_hello_seconds);
    Duration command = std::chrono::seconds(limit::smtp_idle_seconds);
    Duration data = std::chrono::seconds(limit::smtp_data_idle_seconds);
};

struct Profile {
    Role role = Role::mx;
    std::string listener;                      ///< name, for the log
    std::shared_ptr<const net::TlsServer> tls; ///< offered by STARTTLS on a plain stream; null: not offered
    bool plaintext_auth = false;               ///< AUTH is offered and taken without TLS
    std::vector<schema::Network> relay_from;   ///< peers that may relay without signing in
    std::vector<std::string> relay_certificates; ///< clients that may: "sha256:HEX", or a name in a trusted certificate
    std::vector<schema::Network> xclient_from; ///< peers that may say whom they speak for
    std::vector<schema::Network> etrn_from;    ///< peers that may ask for their queued mail
    SessionLimits limits;
    Duration banner_delay{}; ///< before the greeting; who speaks earlier is turned away
    std::function<bool()> is_overloaded; ///< empty: never
    Duration error_delay = std::chrono::seconds(1); ///< before the answer to each error over limit::smtp_errors_soft

    [[nodiscard]] bool is_lmtp() const noexcept { return role == Role::lmtp; }
    /// RFC 6409: sign-in first, own sender addresses only, missing fields are added.
    [[nodiscard]] bool is_submission() const noexcept { return role == Role::submission; }
    [[nodiscard]] service::Protocol protocol() const noexcept;
    /// Whether this numeric address is within relay_from. Unix sockets and memory streams (no address) are not.
    [[nodiscard]] bool may_relay(std::string_view address) const { return schema::contains(relay_from, address); }
    [[nodiscard]] bool may_relay(const net::ClientCertificate& certificate) const;
    [[nodiscard]] bool overloaded() const { return is_overloaded && is_overloaded(); }
};

/// The profile of a listener of protocol smtp, submission or lmtp. Errors: invalid (another protocol).
/// `tls` is used when the listener says starttls.
[[nodiscard]] Result<Profile> profile_of(const schema::Listener& listener, std::shared_ptr<const net::TlsServer> tls);

} // namespace mail::smtp
