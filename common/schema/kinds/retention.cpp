#include "common/schema/kinds/retention.hpp"

#include "common/schema/view.hpp"

namespace mail::schema {

namespace {

constexpr std::string_view uses[] = {"inbox", "drafts", "sent", "trash", "junk", "archive"};
constexpr std::string_view ages[] = {"saved", "received"};
constexpr std::string_view actions[] = {"recoverable", "delete"};

constexpr Field fields[] = {
    field<&Retention::name>("name", "Name of the rule.").key().pattern(name_format).column(1).example("trash"),
    field<&Retention::after>("after", "Messages this old go.").required().range(1, 86400LL * 36500).column(2).example("30d"),
    field<&Retention::special_use>("special_use", "Folders by what they are for, with all below them.")
        .one_of(uses)
        .unordered()
        .column(3)
        .example("trash,junk"),
    field<&Retention::folders>("folders", "Folders by name, with all below them; without these and special_use every folder.")
        .pattern(line_format)
        .unordered()
        .column(4)
        .example("Lists"),
    field<&Retention::mailboxes>("mailboxes",
                                 "Mailboxes and groups by address, domains, *.domain; empty means all mailboxes.")
        .pattern(address_pattern_format)
        .unordered()
        .column(5)
        .example("staff@example.org"),
    field<&Retention::except>("except", "What the rule leaves alone, written like mailboxes.")
        .pattern(address_pattern_format)
        .unordered()
        .wide(6)
        .example("legal@example.org"),
    field<&Retention::age>("age", "Counted since a message came into its folder (saved), or from its received date.")
        .one_of(ages)
        .wide(7)
        .example("received"),
    field<&Retention::action>("action",
                              "Recoverable: as if the owner had expunged it. Delete: for good at once, unless the mailbox is held.")
        .one_of(actions)
        .column(8)
        .example("recoverable"),
    field<&Retention::comment>("comment", "Why the rule exists.").pattern(line_format).length(200).wide(9).example("privacy rules"),
    field<&Retention::enabled>("enabled", "Whether anything goes by it.").wide(10).example("true"),
};

void check(const Retention& rule, Issues& issues) {
    if (rule.after <= Duration::zero())
        report(issues, "after", "is needed: a rule without an age would take everything", "write it like 30d");
    if (rule.folders.empty() && rule.special_use.empty())
        warn(issues, "folders", "messages of every folder go, the inbox included", "name folders or a special_use");
}

void check_whole(const Retention& rule, std::string_view, const ResourceView& whole, Issues& issues) {
    check_known(issues, "mailboxes", rule.mailboxes, whole);
    check_known(issues, "except", rule.except, whole);
}

} // namespace

constinit const Kind retention_kind =
    make_kind<Retention>("retention", "retentions", "After how long messages of some folders go by themselves.", fields)
        .deletion("messages no longer go by it")
        .checked<Retention, &check>()
        .checked_whole<Retention, &check_whole>();

} // namespace mail::schema
