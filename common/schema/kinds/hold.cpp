#include "common/schema/kinds/hold.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Hold::name>("name", "Name of the rule.").key().pattern(name_format).column(1).example("maintenance"),
    field<&Hold::recipients>("recipients",
                             "Recipients whose mail waits: an address, a domain, *.domain; empty means all.")
        .pattern(address_pattern_format)
        .unordered()
        .column(2)
        .example("example.org"),
    field<&Hold::senders>("senders",
                          "Senders whose mail waits: an address, a domain, *.domain, <> for reports; empty means all.")
        .pattern(address_pattern_format)
        .unordered()
        .column(3)
        .example("bulk@example.com"),
    field<&Hold::routes>("routes", "Routes whose mail waits; empty means all.")
        .pattern(name_format)
        .unordered()
        .column(4)
        .example("internet"),
    field<&Hold::reason>("reason", "Shown with every item that it holds.")
        .pattern(line_format)
        .length(200)
        .column(5)
        .example("their server is being moved"),
    field<&Hold::enabled>("enabled", "Whether it holds anything.").wide(6).example("true"),
};

void check(const Hold& hold, Issues& issues) {
    if (hold.recipients.empty() && hold.senders.empty() && hold.routes.empty())
        warn(issues, "recipients", "everything that leaves is held", "name recipients, senders or routes");
}

} // namespace

constinit const Kind hold_kind =
    make_kind<Hold>("hold", "holds", "Queued mail that waits until an administrator releases it.", fields)
        .deletion("mail is no longer held by it; what is held already stays held until released")
        .checked<Hold, &check>();

} // namespace mail::schema
