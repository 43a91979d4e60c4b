#include "common/schema/kinds/resolver.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Resolver::name>("name", "Always \"resolver\".").key().example("resolver"),
    field<&Resolver::servers>("servers", "Name servers to ask, in order; empty means the system's.")
        .pattern(ip_endpoint_format)
        .items(8)
        .column(1)
        .example("127.0.0.1:53"),
    field<&Resolver::trust_anchor_file>(
        "trust_anchor_file",
        "File on the server with DNSSEC keys to trust, as DS or DNSKEY records; empty means the packaged root key, or with "
        "servers no validation.")
        .pattern(path_format)
        .length(4096)
        .column(2)
        .example("/usr/share/dns/root.key"),
};

} // namespace

constinit const Kind resolver_kind =
    make_kind<Resolver>("resolver", "resolvers", "Which name servers are asked.", fields)
        .singleton()
        .deletion("the system's name servers are asked");

} // namespace mail::schema
