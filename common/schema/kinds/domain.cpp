#include "common/schema/kinds/domain.hpp"

#include "common/base/limits.hpp"
#include "common/schema/json.hpp"
#include "common/schema/kinds/quota.hpp"
#include "common/schema/rewrite.hpp"
#include "common/schema/view.hpp"

#include <algorithm>

namespace mail::schema {

namespace {

constexpr std::string_view types[] = {"authoritative", "internal_relay", "external_relay"};

constexpr Field fields[] = {
    field<&Domain::name>("name", "The domain name.")
        .key()
        .pattern(domain_format)
        .length(255)
        .column(1)
        .example("example.org"),
    field<&Domain::type>("type",
                         "Whose the domain is: all of it is here; what is not here goes on by its route; or all of it "
                         "goes on.")
        .one_of(types)
        .column(5)
        .example("internal_relay"),
    field<&Domain::alias_of>("alias_of", "Domain whose addresses are meant: what nobody has here is looked for there.")
        .pattern(domain_format)
        .ref("domain")
        .column(6)
        .example("example.com"),
    field<&Domain::rewrite>("rewrite",
                            "Local parts that stand for others, as local=target; the first that fits counts, and * is "
                            "any text.")
        .pattern(rewrite_format)
        .length(400)
        .wide(7)
        .example("sales-*=info"),
    field<&Domain::catch_all>("catch_all",
                              "Address that gets mail to unknown local parts; empty means it is refused.")
        .pattern(address_format)
        .to_recipient()
        .column(2)
        .example("office@example.org"),
    field<&Domain::masquerade>("masquerade",
                               "Whether senders of subdomains show this domain alone, in envelope and header, when their mail "
                               "leaves.")
        .wide(8)
        .example("true"),
    field<&Domain::drop>("drop", "Folder that gets mail for unknown local parts, each message as a file.")
        .pattern(path_format)
        .length(1000)
        .wide(9)
        .example("/srv/drop"),
    field<&Domain::default_quota>("default_quota", "Quota of mailboxes that state none; 0 means no limit.")
        .column(3)
        .example("5GiB"),
    field<&Domain::recoverable_keep>("recoverable_keep",
                                     "How long expunged messages of its mailboxes can be restored; 0 means as the policy says.")
        .range(0, 86400LL * 3650)
        .wide(10)
        .example("30d"),
    field<&Domain::removed_keep>("removed_keep", "How long its removed mailboxes can be restored; 0 means as the policy says.")
        .range(0, 86400LL * 3650)
        .wide(11)
        .example("90d"),
    field<&Domain::default_quota_warn>("default_quota_warn",
                                       "Of mailboxes that state no quota: from this size on the owner is warned by mail; 0 means "
                                       "nine tenths of default_quota.")
        .wide(12)
        .example("4500MiB"),
    field<&Domain::default_quota_send>("default_quota_send",
                                       "Of mailboxes that state no quota: from this size on nothing can be sent; 0 means never.")
        .wide(13)
        .example("4800MiB"),
    field<&Domain::enabled>("enabled", "Whether mail for the domain is accepted.").column(4).example("true"),
};

void check(const Domain& domain, Issues& issues) {
    check_quota_stages(issues, {"default_quota", domain.default_quota}, {"default_quota_warn", domain.default_quota_warn},
                       {"default_quota_send", domain.default_quota_send});
    if (domain.type == "external_relay" && !domain.catch_all.empty())
        report(issues, "catch_all", "is never used: all mail of an external_relay domain goes on");
    if (!domain.alias_of.empty() && domain.type == "external_relay")
        report(issues, "alias_of", "is never used: all mail of an external_relay domain goes on");
}

/// Domains that stand for each other in a circle lead nowhere.
void check_whole(const Domain& domain, std::string_view name, const ResourceView& whole, Issues& issues) {
    std::string way(name);
    std::string at = domain.alias_of;
    for (std::int64_t steps = 0; !at.empty() && steps <= limit::alias_depth; ++steps) {
        way += ", " + at;
        if (at == name) {
            report(issues, "alias_of", "leads back to itself: " + way);
            return;
        }
        const auto next = whole.find("domain", at);
        const auto decoded = next ? decode<Domain>(at, *next->spec) : Result<Domain>(Domain{});
        at = decoded ? decoded->alias_of : std::string{};
    }
    if (!at.empty())
        report(issues, "alias_of", "is followed through more than " + std::to_string(limit::alias_depth) + " domains");
}

} // namespace

constinit const Kind domain_kind =
    make_kind<Domain>("domain", "domains", "A mail domain whose mail this server takes.", fields)
        .deletion("mail to this domain is no longer local")
        .checked<Domain, &check>()
        .checked_whole<Domain, &check_whole>();

} // namespace mail::schema
