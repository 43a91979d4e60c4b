#include "common/schema/kinds/mailbox.hpp"

#include "common/schema/kinds/quota.hpp"

#include "common/schema/view.hpp"

#include <algorithm>

namespace mail::schema {

namespace {

constexpr std::string_view types[] = {"user", "shared", "room", "equipment"};
constexpr std::string_view services[] = {"imap", "pop3", "submission", "ews", "dav", "managesieve"};

constexpr Field fields[] = {
    field<&Mailbox::address>("address", "Primary address; also the login name.")
        .key()
        .pattern(address_name_format)
        .in_local_domain()
        .length(320)
        .column(1)
        .example("ann@example.org"),
    field<&Mailbox::display_name>("display_name", "Name shown to people.")
        .column(2)
        .length(256)
        .example("Ann Archer"),
    field<&Mailbox::type>("type", "Whose mailbox it is: one person's, a team's, a room's or a device's.")
        .one_of(types)
        .column(3)
        .example("user"),
    field<&Mailbox::quota>("quota", "Largest total size of stored mail; 0 means the domain's default_quota.")
        .column(4)
        .example("2GiB"),
    field<&Mailbox::quota_warn>("quota_warn",
                                "From this size on the owner is warned by mail; 0 means nine tenths of quota, or the domain's.")
        .wide(16)
        .example("1800MiB"),
    field<&Mailbox::quota_send>("quota_send", "From this size on nothing can be sent; 0 means never, or the domain's.")
        .wide(17)
        .example("1900MiB"),
    field<&Mailbox::password>("password",
                              "Login password, kept only as a verifier; without one nobody signs in.")
        .secret(SecretUse::verifier)
        .unmanaged_when_absent(),
    field<&Mailbox::aliases>("aliases", "Further addresses of this mailbox.")
        .pattern(own_address_format)
        .in_local_domain()
        .unordered()
        .items(500)
        .wide(5)
        .length(320)
        .example("a.archer@example.org"),
    field<&Mailbox::protocols>("protocols", "Services this login may use; empty means all.")
        .one_of(services)
        .unordered()
        .wide(6)
        .example("imap,submission"),
    field<&Mailbox::enabled>("enabled", "Whether login and delivery are accepted.").column(7).example("true"),
    field<&Mailbox::capacity>("capacity", "People a room has place for.")
        .range(0, 100000)
        .wide(8)
        .example("12"),
    field<&Mailbox::forward>("forward", "Addresses that get a copy of everything that arrives.")
        .pattern(address_format)
        .to_recipient()
        .unordered()
        .items(100)
        .wide(9)
        .length(320)
        .example("ann@example.net"),
    field<&Mailbox::forward_only>("forward_only", "Whether forwarded mail is not kept here as well.")
        .wide(11)
        .example("false"),
    field<&Mailbox::send_as>("send_as", "Mailboxes and groups that may send with the addresses of this mailbox.")
        .pattern(own_address_format)
        .unordered()
        .items(500)
        .wide(12)
        .length(320)
        .example("bob@example.org"),
    field<&Mailbox::send_on_behalf>("send_on_behalf",
                                    "Mailboxes and groups that may send for this mailbox; the message names them as well.")
        .pattern(own_address_format)
        .unordered()
        .items(500)
        .wide(13)
        .length(320)
        .example("bob@example.org"),
    field<&Mailbox::sending>("sending", "How much it may send, instead of what the policy says.").object(sending_fields)
        .example("{\"messages_per_day\": 1000}"),
    field<&Mailbox::litigation_hold>("litigation_hold",
                                     "Whether nothing of it goes for good, even when it is deleted: what is expunged stays "
                                     "recoverable as long as this stands.")
        .wide(14)
        .example("true"),
    field<&Mailbox::hold_until>("hold_until", "When litigation_hold ends by itself; empty means when it is lifted.")
        .pattern(time_format)
        .wide(15)
        .example("2027-12-31"),
    field<&Mailbox::hold_comment>("hold_comment", "Why it is held, and by whose word.")
        .pattern(line_format)
        .length(400)
        .example("case 17, legal department"),
    field<&Mailbox::recoverable_keep>("recoverable_keep",
                                      "How long expunged messages can be restored; 0 means as its domain and the policy say.")
        .range(0, 86400LL * 3650)
        .example("60d"),
    field<&Mailbox::recoverable_size>("recoverable_size",
                                      "Most that expunged messages may take before the oldest go; 0 means as the policy says.")
        .example("100GiB"),
    field<&Mailbox::timezone>("timezone", "Time zone of the owner; empty means the server's.")
        .pattern(timezone_format)
        .wide(10)
        .example("Europe/Berlin"),
};

void check(const Mailbox& mailbox, Issues& issues) {
    if (mailbox.capacity != 0 && mailbox.type != "room")
        report(issues, "capacity", "is for rooms only", "set type: room");
    for (std::size_t i = 0; i < mailbox.aliases.size(); ++i)
        if (own_address_format.key(mailbox.aliases[i]) == mailbox.address)
            report(issues, "aliases", mailbox.aliases[i] + " is the primary address", "leave it out");
    if (!mailbox.litigation_hold && !mailbox.hold_until.empty())
        warn(issues, "hold_until", "has no effect without litigation_hold");
    check_quota_stages(issues, {"quota", mailbox.quota}, {"quota_warn", mailbox.quota_warn}, {"quota_send", mailbox.quota_send});
    if (mailbox.forward_only && mailbox.forward.empty())
        warn(issues, "forward_only", "has no effect without forward");
}

void check_whole(const Mailbox& mailbox, std::string_view, const ResourceView& whole, Issues& issues) {
    check_known(issues, "send_as", mailbox.send_as, whole);
    check_known(issues, "send_on_behalf", mailbox.send_on_behalf, whole);
}

Keeping keeping(const Mailbox& mailbox) {
    Keeping out{mailbox.recoverable_keep, mailbox.recoverable_size, {}};
    if (mailbox.litigation_hold)
        out.held_until = parse_rfc3339(mailbox.hold_until).value_or(Time::max());
    return out;
}

std::vector<std::string> addresses(const Mailbox& mailbox) {
    std::vector<std::string> keys{mailbox.address};
    for (const auto& alias : mailbox.aliases)
        keys.push_back(own_address_format.key(alias));
    return keys;
}

} // namespace

constinit const Kind mailbox_kind =
    make_kind<Mailbox>("mailbox", "mailboxes", "Where the mail of one person, team, room or device is kept.",
                       fields)
        .with_account()
        .deletion("nobody can sign in to it or send mail to it; for a while mailbox restore brings it back")
        .checked<Mailbox, &check>()
        .checked_whole<Mailbox, &check_whole>()
        .answers_to<Mailbox, &addresses>()
        .keeps<Mailbox, &keeping>();

} // namespace mail::schema
