#include "common/schema/kinds/listener.hpp"

#include "common/schema/json.hpp"
#include "common/schema/view.hpp"

#include <algorithm>
#include <utility>

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
    field<&Listener::relay_certificates>(
        "relay_certificates", "Client certificates whose owners may send mail to anywhere without signing in: sha256:FINGERPRINT, "
                              "or a name in a certificate that client_ca_file vouches for.")
        .pattern(client_certificate_format)
        .unordered()
        .wide(11)
        .example("relay.example.org"),
    field<&Listener::client_ca_file>("client_ca_file",
                                     "PEM file on the server with the CAs of client certificates that are known by name.")
        .pattern(path_format)
        .length(4096)
        .wide(12)
        .example("/etc/maild/tls/clients.pem"),
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
    field<&Listener::allow_from>("allow_from", "Networks whose clients may connect; empty means all.")
        .pattern(network_format)
        .unordered()
        .wide(13)
        .example("192.0.2.0/24"),
    field<&Listener::proxy_from>("proxy_from",
                                 "Networks of proxies: whoever connects from there begins with a PROXY header (version 1 or 2) "
                                 "that says for whom.")
        .pattern(network_format)
        .unordered()
        .wide(14)
        .example("10.0.0.5"),
    field<&Listener::xclient_from>("xclient_from",
                                   "Networks of trusted test clients, which may say by XCLIENT whom they speak for.")
        .pattern(network_format)
        .unordered()
        .wide(15)
        .example("10.0.0.6"),
    field<&Listener::etrn_from>("etrn_from", "Networks whose clients may ask by ETRN for the mail that waits for their domains.")
        .pattern(network_format)
        .unordered()
        .wide(16)
        .example("198.51.100.0/24"),
    field<&Listener::max_per_address>("max_per_address",
                                      "Most connections of one address at a time, also of loopback; 0 means limit "
                                      "connections_per_address for smtp, submission and lmtp, and none for others.")
        .range(0, limit::connections)
        .wide(17)
        .example("50"),
    field<&Listener::max_recipients>("max_recipients", "Most recipients in one transaction; 0 means the server's recipients.")
        .range(0, 100000)
        .wide(18)
        .example("200"),
    field<&Listener::max_recipient_domains>(
        "max_recipient_domains", "Most different recipient domains in one session; 0 means no limit.")
        .range(0, 100000)
        .wide(19)
        .example("20"),
    field<&Listener::max_messages>("max_messages", "Most transactions in one session; 0 means limit smtp_messages.")
        .range(0, 999999)
        .wide(20)
        .example("100"),
    field<&Listener::max_errors>("max_errors", "A session is closed after so many errors; 0 means limit smtp_errors_hard.")
        .range(0, 1000)
        .wide(21)
        .example("10"),
    field<&Listener::min_rate>(
        "min_rate", "A message that comes more slowly, in bytes a second, is broken off; 0 means limit smtp_bytes_per_second.")
        .range(0, 1 << 30)
        .wide(22)
        .example("1KiB"),
    field<&Listener::banner_delay>("banner_delay",
                                   "The greeting comes so late; whoever speaks before it is turned away. 0 means at once.")
        .range(0, 60)
        .wide(23)
        .example("3s"),
    field<&Listener::hello_timeout>("hello_timeout",
                                    "How long a session waits for the first EHLO; 0 means limit smtp_hello_seconds.")
        .range(0, 86400)
        .wide(24)
        .example("60s"),
    field<&Listener::command_timeout>("command_timeout",
                                      "How long a session waits for a command; 0 means limit smtp_idle_seconds.")
        .range(0, 86400)
        .wide(25)
        .example("5m"),
    field<&Listener::data_timeout>(
        "data_timeout", "How long a session waits for the next bytes of a message; 0 means limit smtp_data_idle_seconds.")
        .range(0, 86400)
        .wide(26)
        .example("3m"),
};

bool takes_mail(const Listener& listener) {
    return listener.protocol == "smtp" || listener.protocol == "submission" || listener.protocol == "lmtp";
}

/// Settings of mail in on a listener of another protocol.
void check_foreign(const Listener& listener, Issues& issues) {
    const std::pair<std::string_view, bool> present[] = {
        {"relay_from", !listener.relay_from.empty()},
        {"relay_certificates", !listener.relay_certificates.empty()},
        {"client_ca_file", !listener.client_ca_file.empty()},
        {"max_message_size", listener.max_message_size != 0},
        {"xclient_from", !listener.xclient_from.empty()},
        {"etrn_from", !listener.etrn_from.empty()},
        {"max_recipients", listener.max_recipients != 0},
        {"max_recipient_domains", listener.max_recipient_domains != 0},
        {"max_messages", listener.max_messages != 0},
        {"max_errors", listener.max_errors != 0},
        {"min_rate", listener.min_rate != 0},
        {"banner_delay", listener.banner_delay != Duration::zero()},
        {"hello_timeout", listener.hello_timeout != Duration::zero()},
        {"command_timeout", listener.command_timeout != Duration::zero()},
        {"data_timeout", listener.data_timeout != Duration::zero()},
    };
    for (const auto& [field, is_set] : present)
        if (is_set)
            report(issues, std::string(field), "means nothing for " + listener.protocol,
                   "only smtp, submission and lmtp take mail");
}

void check_certificates(const Listener& listener, Issues& issues) {
    if (!listener.relay_certificates.empty() && listener.tls == "none")
        report(issues, "relay_certificates", "needs TLS", "set tls to starttls or implicit");
    const bool by_name = std::any_of(listener.relay_certificates.begin(), listener.relay_certificates.end(),
                                     [](const auto& one) { return !one.starts_with("sha256:"); });
    if (by_name && listener.client_ca_file.empty())
        report(issues, "relay_certificates", "names need client_ca_file", "anybody can put a name into a certificate");
}

void check(const Listener& listener, Issues& issues) {
    if (listener.protocol == "http" && listener.tls == "starttls")
        report(issues, "tls", "HTTP has no starttls", "use implicit, or none");
    if (listener.protocol == "admin" && listener.tls != "implicit" && !listener.bind.starts_with("unix:"))
        report(issues, "tls", "the admin protocol is offered over implicit TLS or a Unix socket only");
    if (!takes_mail(listener))
        check_foreign(listener, issues);
    check_certificates(listener, issues);
    for (const auto& network : listener.relay_from) {
        const auto parsed = parse_network(network);
        if (parsed && parsed->prefix == 0)
            warn(issues, "relay_from", network + " makes this an open relay");
    }
    for (const auto* trusted : {&listener.proxy_from, &listener.xclient_from})
        for (const auto& network : *trusted) {
            const auto parsed = parse_network(network);
            if (parsed && parsed->prefix == 0)
                warn(issues, trusted == &listener.proxy_from ? "proxy_from" : "xclient_from",
                     network + " lets anybody claim to be anybody");
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
