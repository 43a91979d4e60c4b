#include "common/schema/kinds/group.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Group::address>("address", "The address of the group.")
        .key()
        .pattern(address_name_format)
        .in_local_domain()
        .length(320)
        .column(1)
        .example("staff@example.org"),
    field<&Group::display_name>("display_name", "Name shown to people.")
        .column(2)
        .length(256)
        .example("All staff"),
    field<&Group::members>("members",
                           "Addresses that get its mail: mailboxes, other groups, or people elsewhere.")
        .pattern(address_format)
        .to_recipient()
        .unordered()
        .items(10000)
        .length(320)
        .column(3)
        .example("ann@example.org,bob@example.org"),
    field<&Group::enabled>("enabled", "Whether mail to it is accepted.").column(4).example("true"),
};

std::vector<std::string> addresses(const Group& group) {
    return {group.address};
}

} // namespace

constinit const Kind group_kind =
    make_kind<Group>("group", "groups", "An address whose mail goes to every member.", fields)
        .deletion("mail to this address is refused")
        .answers_to<Group, &addresses>();

} // namespace mail::schema
