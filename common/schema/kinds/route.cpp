#include "common/schema/kinds/route.hpp"

#include "common/schema/json.hpp"
#include "common/schema/view.hpp"

#include <algorithm>

namespace mail::schema {

namespace {

constexpr std::string_view tls_modes[] = {"none", "opportunistic", "required", "verified"};

constexpr Field fields[] = {
    field<&Route::name>("name", "Name of the route.")
        .key()
        .pattern(name_format)
        .column(1)
        .example("internet"),
    field<&Route::domains>(
        "domains", "Recipient domains that go this way: a domain, *.domain for all below it, or * for all.")
        .required()
        .pattern(domain_pattern_format)
        .unordered()
        .column(2)
        .example("*"),
    field<&Route::senders>(
        "senders",
        "Senders whose mail goes this way: an address, a domain, *.domain, or <> for reports; empty means all. A "
        "recipient's more specific domain counts before a sender.")
        .pattern(address_pattern_format)
        .unordered()
        .wide(12)
        .example("example.org"),
    field<&Route::relay>(
        "relay",
        "Server that takes the mail, with or without port; empty means the domain's own mail exchangers.")
        .pattern(endpoint_format)
        .column(3)
        .example("smtp.isp.example:587"),
    field<&Route::drop>("drop", "Folder on the server that gets each message as a file, instead of another server.")
        .pattern(path_format)
        .length(1000)
        .wide(20)
        .example("/srv/drop"),
    field<&Route::port>("port", "Port to connect to where relay names none.")
        .range(1, 65535)
        .wide(4)
        .example("25"),
    field<&Route::tls>("tls",
                       "None, when offered, required, or required with a certificate that is verified.")
        .one_of(tls_modes)
        .column(5)
        .example("required"),
    field<&Route::user>("user", "Name to sign in with at the relay.").wide(6).example("site"),
    field<&Route::password>("password", "Password to sign in with at the relay.")
        .secret(SecretUse::value)
        .unmanaged_when_absent(),
    field<&Route::direct_first>(
        "direct_first", "Whether the domain's own mail exchangers are tried first, and relay only when none answers.")
        .wide(13)
        .example("true"),
    field<&Route::dane>("dane", "Whether TLSA records in signed zones say which certificates are right (RFC 7672).")
        .wide(14)
        .example("true"),
    field<&Route::mta_sts>("mta_sts", "Whether policies of the recipient's domain are fetched and followed (RFC 8461).")
        .wide(15)
        .example("true"),
    field<&Route::allow_loopback>("allow_loopback", "Whether the mail may go to an address of this machine.")
        .wide(7)
        .example("false"),
    field<&Route::source>("source", "Address to connect from; empty leaves the choice to the system.")
        .pattern(ip_format)
        .wide(8)
        .example("192.0.2.25"),
    field<&Route::ehlo>("ehlo", "Name to greet with; empty means the server's hostname.")
        .pattern(host_format)
        .wide(9)
        .example("mx.example.org"),
    field<&Route::retry>("retry", "Waiting times between attempts; empty means the server's.")
        .range(1, 86400 * 7)
        .items(32)
        .wide(10)
        .example("1m,5m,1h"),
    field<&Route::expire>("expire", "Mail is returned after so long; 0 means the server's expire.")
        .range(0, 86400 * 30)
        .wide(11)
        .example("2d"),
    field<&Route::delay_warning>("delay_warning", "The sender is told after so long that mail is late; 0 means the server's.")
        .range(0, 86400 * 30)
        .wide(16)
        .example("1h"),
    field<&Route::connections>("connections", "Most connections to one destination at a time; 0 means the server's.")
        .range(0, 1000)
        .wide(17)
        .example("5"),
    field<&Route::rate>("rate", "Most recipients a minute to one destination; 0 means no limit.")
        .range(0, 10'000'000)
        .wide(18)
        .example("600"),
    field<&Route::sender_rate>("sender_rate", "Most recipients a minute of one sender; 0 means no limit.")
        .range(0, 10'000'000)
        .wide(19)
        .example("60"),
};

bool same_senders(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    if (a.empty() || b.empty())
        return a.empty() && b.empty();
    return std::any_of(a.begin(), a.end(), [&](const auto& one) { return std::find(b.begin(), b.end(), one) != b.end(); });
}

void check(const Route& route, Issues& issues) {
    const bool has_password = route.password.form != SecretSetting::Form::absent;
    if (has_password && route.user.empty())
        report(issues, "password", "needs user");
    if (route.password.form == SecretSetting::Form::hash)
        report(issues, "password", "must be the password itself: the relay wants to see it");
    if (!route.user.empty() && route.relay.empty())
        report(issues, "user", "needs relay");
    if (route.direct_first && route.relay.empty())
        report(issues, "direct_first", "needs relay");
    if (!route.drop.empty() && !route.relay.empty())
        report(issues, "drop", "goes not together with relay", "leave one of them out");
    if (!route.user.empty() && (route.tls == "none" || route.tls == "opportunistic"))
        warn(issues, "tls", "the password may travel unencrypted", "use required or verified");
}

void check_whole(const Route& route, std::string_view name, const ResourceView& whole, Issues& issues) {
    whole.each("route", [&](const Current& current) {
        if (current.name == name)
            return true;
        const auto other = decode<Route>(current.name, *current.spec);
        if (!other || !same_senders(route.senders, other->senders))
            return true;
        for (const auto& domain : route.domains) {
            if (std::find(other->domains.begin(), other->domains.end(), domain) == other->domains.end())
                continue;
            report(issues, "domains", domain + " is taken by route " + current.name).code =
                ErrorCode::conflict;
            return false;
        }
        return true;
    });
}

} // namespace

constinit const Kind route_kind =
    make_kind<Route>("route", "routes", "How mail for some domains leaves this server.", fields)
        .deletion("mail for its domains goes another way")
        .checked<Route, &check>()
        .checked_whole<Route, &check_whole>();

} // namespace mail::schema
