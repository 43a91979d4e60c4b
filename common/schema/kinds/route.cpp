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
    field<&Route::relay>(
        "relay",
        "Server that takes the mail, with or without port; empty means the domain's own mail exchangers.")
        .pattern(endpoint_format)
        .column(3)
        .example("smtp.isp.example:587"),
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
};

void check(const Route& route, Issues& issues) {
    const bool has_password = route.password.form != SecretSetting::Form::absent;
    if (has_password && route.user.empty())
        report(issues, "password", "needs user");
    if (route.password.form == SecretSetting::Form::hash)
        report(issues, "password", "must be the password itself: the relay wants to see it");
    if (!route.user.empty() && route.relay.empty())
        report(issues, "user", "needs relay");
    if (!route.user.empty() && (route.tls == "none" || route.tls == "opportunistic"))
        warn(issues, "tls", "the password may travel unencrypted", "use required or verified");
}

void check_whole(const Route& route, std::string_view name, const ResourceView& whole, Issues& issues) {
    whole.each("route", [&](const Current& current) {
        if (current.name == name)
            return true;
        const auto other = decode<Route>(current.name, *current.spec);
        if (!other)
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
