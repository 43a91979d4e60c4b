#include "common/schema/kinds/hold.hpp"

namespace mail::schema {

namespace {

constexpr std::string_view actions[] = {"hold", "pause"};

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
    field<&Hold::action>("action", "Hold: each item waits until it is released. Pause: it goes by itself once the rule is gone.")
        .one_of(actions)
        .wide(7)
        .example("pause"),
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
    make_kind<Hold>("hold", "holds", "Queued mail that waits until it is released, or as long as the rule stands.", fields)
        .deletion("mail is no longer held by it; what was paused goes within minutes, what is held stays held until released")
        .checked<Hold, &check>();

} // namespace mail::schema
