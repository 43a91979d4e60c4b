#include "common/schema/kinds/alias.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Alias::address>("address", "The address.")
        .key()
        .pattern(address_name_format)
        .in_local_domain()
        .length(320)
        .column(1)
        .example("sales@example.org"),
    field<&Alias::targets>("targets", "Addresses its mail goes to, here or elsewhere.")
        .required()
        .pattern(address_format)
        .to_recipient()
        .unordered()
        .items(1000)
        .length(320)
        .column(2)
        .example("ann@example.org"),
    field<&Alias::enabled>("enabled", "Whether mail to it is accepted.").column(3).example("true"),
};

std::vector<std::string> addresses(const Alias& alias) {
    return {alias.address};
}

} // namespace

constinit const Kind alias_kind =
    make_kind<Alias>("alias", "aliases", "An address that stands for other addresses.", fields)
        .deletion("mail to this address is refused")
        .answers_to<Alias, &addresses>();

} // namespace mail::schema
