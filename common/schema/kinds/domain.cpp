#include "common/schema/kinds/domain.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Domain::name>("name", "The domain name.")
        .key()
        .pattern(domain_format)
        .length(255)
        .column(1)
        .example("example.org"),
    field<&Domain::catch_all>("catch_all",
                              "Address that gets mail to unknown local parts; empty means it is refused.")
        .pattern(address_format)
        .to_recipient()
        .column(2)
        .example("office@example.org"),
    field<&Domain::default_quota>("default_quota", "Quota of mailboxes that state none; 0 means no limit.")
        .column(3)
        .example("5GiB"),
    field<&Domain::enabled>("enabled", "Whether mail for the domain is accepted.").column(4).example("true"),
};

} // namespace

constinit const Kind domain_kind =
    make_kind<Domain>("domain", "domains", "A mail domain this server is the home of.", fields)
        .deletion("mail to this domain is no longer local");

} // namespace mail::schema
