#include "common/schema/kinds/group.hpp"

#include "common/schema/view.hpp"

namespace mail::schema {

namespace {

constexpr std::string_view writers[] = {"anyone", "inside", "members", "listed"};

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
    field<&Group::accept_from>("accept_from",
                               "Who may write to the group: anyone, who has signed in here, its members, or who is listed "
                               "in senders.")
        .one_of(writers)
        .column(5)
        .example("members"),
    field<&Group::senders>("senders", "Who may write to it with accept_from listed: an address, a group, a domain, *.domain.")
        .pattern(address_pattern_format)
        .unordered()
        .items(1000)
        .wide(6)
        .length(320)
        .example("board@example.org"),
    field<&Group::send_as>("send_as", "Mailboxes and groups that may send with the address of this group.")
        .pattern(own_address_format)
        .unordered()
        .items(500)
        .wide(7)
        .length(320)
        .example("bob@example.org"),
    field<&Group::send_on_behalf>("send_on_behalf",
                                  "Mailboxes and groups that may send for this group; the message names them as well.")
        .pattern(own_address_format)
        .unordered()
        .items(500)
        .wide(8)
        .length(320)
        .example("bob@example.org"),
    field<&Group::enabled>("enabled", "Whether mail to it is accepted.").column(4).example("true"),
};

std::vector<std::string> addresses(const Group& group) {
    return {group.address};
}

void check(const Group& group, Issues& issues) {
    if (!group.senders.empty() && group.accept_from != "listed")
        report(issues, "senders", "counts only with accept_from: listed");
}

void check_whole(const Group& group, std::string_view, const ResourceView& whole, Issues& issues) {
    check_known(issues, "send_as", group.send_as, whole);
    check_known(issues, "send_on_behalf", group.send_on_behalf, whole);
}

} // namespace

constinit const Kind group_kind =
    make_kind<Group>("group", "groups", "An address whose mail goes to every member.", fields)
        .deletion("mail to this address is refused")
        .checked<Group, &check>()
        .checked_whole<Group, &check_whole>()
        .answers_to<Group, &addresses>();

} // namespace mail::schema
