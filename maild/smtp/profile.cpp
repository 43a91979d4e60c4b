#include "maild/smtp/profile.hpp"

#include "common/schema/kinds/listener.hpp"

#include <cstring>

namespace mail::smtp {
namespace {

/// Whether the first `prefix` bits agree.
bool contains(const schema::Network& network, const schema::Network& address) {
    if (network.is_ipv6 != address.is_ipv6)
        return false;
    const auto whole = static_cast<std::size_t>(network.prefix / 8);
    const int rest = network.prefix % 8;
    if (std::memcmp(network.bytes, address.bytes, whole) != 0)
        return false;
    const int mask = 0xff00 >> rest;
    return rest == 0 || ((network.bytes[whole] ^ address.bytes[whole]) & mask & 0xff) == 0;
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

bool Profile::may_relay(std::string_view address) const {
    if (relay_from.empty() || address.empty())
        return false;
    // An IPv4 client of a listener for both families looks like ::ffff:192.0.2.1.
    if (address.starts_with("::ffff:") && address.find('.') != address.npos)
        address.remove_prefix(7);
    const auto peer = schema::parse_network(address);
    if (!peer)
        return false;
    for (const schema::Network& network : relay_from) {
        if (contains(network, *peer))
            return true;
    }
    return false;
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
    for (const std::string& text : listener.relay_from) {
        MAIL_TRY(auto network, schema::parse_network(text));
        profile.relay_from.push_back(network);
    }
    profile.max_message_size = std::uint64_t{listener.max_message_size};
    return profile;
}

} // namespace mail::smtp
