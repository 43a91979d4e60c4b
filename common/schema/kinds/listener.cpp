#include "common/schema/kinds/listener.hpp"

#include "common/schema/json.hpp"
#include "common/schema/view.hpp"

#include <algorithm>

namespace mail::schema {

namespace {

constexpr std::string_view protocols[] = {"smtp", "submission", "lmtp",        "imap",
                                          "pop3", "http",       "managesieve", "admin"};
constexpr std::string_view tls_modes[] = {"none", "starttls", "implicit"};
constexpr std::string_view auth_modes[] = {"refuse", "allow"};

bool uses_tls(const void* listener) {
    return static_cast<const Listener*>(listener)->tls != "none";
}

constexpr Field fields[] = {
    field<&Listener::name>("name", "Name of the listener.")
        .key()
        .pattern(name_format)
        .column(1)
        .example("submission"),
    field<&Listener::protocol>("protocol", "Protocol spoken here.")
        .required()
        .one_of(protocols)
        .column(2)
        .example("imap"),
    field<&Listener::bind>(
        "bind", "Address and port to wait at: ADDR:PORT, [::1]:PORT, *:PORT for both families, or unix:PATH.")
        .required()
        .pattern(bind_format)
        .column(3)
        .example("*:143"),
    field<&Listener::tls>("tls", "No TLS, TLS on request of the client, or TLS from the first byte.")
        .one_of(tls_modes)
        .column(4)
        .example("starttls"),
    field<&Listener::certificate>("certificate", "Certificate shown to clients.")
        .pattern(name_format)
        .ref("certificate")
        .when(uses_tls)
        .wide(5)
        .example("default"),
    field<&Listener::plaintext_auth>("plaintext_auth", "Whether clients may sign in without TLS.")
        .one_of(auth_modes)
        .wide(6)
        .example("refuse"),
    field<&Listener::relay_from>("relay_from",
                                 "Networks whose clients may send mail to anywhere without signing in.")
        .pattern(network_format)
        .unordered()
        .wide(7)
        .example("10.0.0.0/8"),
    field<&Listener::enabled>("enabled", "Whether the listener is open.").column(8).example("true"),
    field<&Listener::max_connections>("max_connections",
                                      "Most connections at a time; 0 leaves it to the server's limit.")
        .range(0, limit::connections)
        .wide(9)
        .example("1000"),
    field<&Listener::max_message_size>("max_message_size",
                                       "Largest message accepted here; 0 means the server's message_size.")
        .range(0, std::int64_t{1} << 31)
        .wide(10)
        .example("20MiB"),
};

bool takes_mail(const Listener& listener) {
    return listener.protocol == "smtp" || listener.protocol == "submission" || listener.protocol == "lmtp";
}

void check(const Listener& listener, Issues& issues) {
    if (listener.protocol == "http" && listener.tls == "starttls")
        report(issues, "tls", "HTTP has no starttls", "use implicit, or none");
    if (listener.protocol == "admin" && listener.tls != "implicit" && !listener.bind.starts_with("unix:"))
        report(issues, "tls", "the admin protocol is offered over implicit TLS or a Unix socket only");
    if (!listener.relay_from.empty() && !takes_mail(listener))
        report(issues, "relay_from", "means nothing for " + listener.protocol,
               "only smtp, submission and lmtp relay");
    if (listener.max_message_size != 0 && !takes_mail(listener))
        report(issues, "max_message_size", "means nothing for " + listener.protocol);
    for (const auto& network : listener.relay_from) {
        const auto parsed = parse_network(network);
        if (parsed && parsed->prefix == 0)
            warn(issues, "relay_from", network + " makes this an open relay");
    }
}

/// Two open listeners cannot share an address: "*:25" takes every "ADDR:25".
bool collide(const std::string& a, const std::string& b) {
    if (a == b)
        return !a.ends_with(":0");
    const auto port_of = [](const std::string& bind) { return bind.substr(bind.rfind(':') + 1); };
    const auto is_network = [](const std::string& bind) {
        return !bind.starts_with("unix:") && !bind.starts_with("fd:");
    };
    if (!is_network(a) || !is_network(b) || port_of(a) != port_of(b) || port_of(a) == "0")
        return false;
    const auto is_wild = [](const std::string& bind, bool for_ipv6) {
        return bind.starts_with("*:") || bind.starts_with(for_ipv6 ? "[::]:" : "0.0.0.0:");
    };
    const bool both_ipv6 = a.starts_with('[') && b.starts_with('[');
    const bool both_ipv4 = !a.starts_with('[') && !b.starts_with('[');
    return a.starts_with("*:") || b.starts_with("*:") ||
           (both_ipv6 && (is_wild(a, true) || is_wild(b, true))) ||
           (both_ipv4 && (is_wild(a, false) || is_wild(b, false)));
}

void check_whole(const Listener& listener, std::string_view name, const ResourceView& whole, Issues& issues) {
    if (!listener.enabled)
        return;
    whole.each("listener", [&](const Current& current) {
        if (current.name == name)
            return true;
        const auto other = decode<Listener>(current.name, *current.spec);
        if (!other || !other->enabled || !collide(listener.bind, other->bind))
            return true;
        report(issues, "bind", listener.bind + " is taken by listener " + current.name).code =
            ErrorCode::conflict;
        return false;
    });
}

} // namespace

constinit const Kind listener_kind =
    make_kind<Listener>("listener", "listeners",
                        "An address where the server waits for clients of one protocol.", fields)
        .deletion("clients can no longer connect there")
        .checked<Listener, &check>()
        .checked_whole<Listener, &check_whole>();

} // namespace mail::schema
