#include "maild/smtp/profile.hpp"

#include "common/net/stream.hpp"
#include "common/schema/kinds/listener.hpp"

#include <algorithm>

namespace mail::smtp {
namespace {

/// A setting stands above the usual value unless it is 0.
template <class T, class Setting> void override_with(T& usual, const Setting& setting) {
    if (setting != Setting{})
        usual = static_cast<T>(setting);
}

SessionLimits limits_of(const schema::Listener& listener) {
    SessionLimits limits;
    override_with(limits.message_size, std::uint64_t{listener.max_message_size});
    override_with(limits.recipients, listener.max_recipients);
    override_with(limits.recipient_domains, listener.max_recipient_domains);
    override_with(limits.messages, listener.max_messages);
    override_with(limits.errors, listener.max_errors);
    override_with(limits.bytes_per_second, std::uint64_t{listener.min_rate});
    override_with(limits.hello, listener.hello_timeout);
    override_with(limits.command, listener.command_timeout);
    override_with(limits.data, listener.data_timeout);
    return limits;
}

} // namespace

service::Protocol Profile::protocol() const noexcept {
    switch (role) {
    case Role::submission:
        return service::Protocol::submission;
    case Role::lmtp:
        return service::Protocol::lmtp;
    case Role::mx:
        break;
    }
    return service::Protocol::smtp;
}

bool Profile::may_relay(const net::ClientCertificate& certificate) const {
    return std::any_of(relay_certificates.begin(), relay_certificates.end(), [&](const std::string& wanted) {
        if (wanted.starts_with("sha256:"))
            return wanted.substr(7) == certificate.fingerprint;
        return certificate.trusted &&
               std::find(certificate.names.begin(), certificate.names.end(), wanted) != certificate.names.end();
    });
}

Result<Profile> profile_of(const schema::Listener& listener, std::shared_ptr<const net::TlsServer> tls) {
    Profile profile;
    if (listener.protocol == "smtp")
        profile.role = Role::mx;
    else if (listener.protocol == "submission")
        profile.role = Role::submission;
    else if (listener.protocol == "lmtp")
        profile.role = Role::lmtp;
    else
        return fail(ErrorCode::invalid, "listener " + listener.name + " does not speak SMTP");
    profile.listener = listener.name;
    if (listener.tls == "starttls")
        profile.tls = std::move(tls);
    profile.plaintext_auth = listener.plaintext_auth == "allow";
    profile.relay_from = schema::parse_networks(listener.relay_from);
    profile.relay_certificates = listener.relay_certificates;
    profile.xclient_from = schema::parse_networks(listener.xclient_from);
    profile.etrn_from = schema::parse_networks(listener.etrn_from);
    profile.limits = limits_of(listener);
    profile.banner_delay = listener.banner_delay;
    return profile;
}

} // namespace mail::smtp
