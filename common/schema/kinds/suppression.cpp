#include "common/schema/kinds/suppression.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Suppression::recipient>("recipient", "The address, the domain, or *.domain for all below it.")
        .key()
        .pattern(address_pattern_format)
        .length(320)
        .column(1)
        .example("gone@example.org"),
    field<&Suppression::reason>("reason", "Told to senders in the report they get.")
        .pattern(line_format)
        .length(200)
        .column(2)
        .example("asked not to be written to"),
    field<&Suppression::enabled>("enabled", "Whether it counts.").column(3).example("true"),
};

} // namespace

constinit const Kind suppression_kind =
    make_kind<Suppression>("suppression", "suppressions", "A recipient that nothing is sent to any more.", fields)
        .deletion("mail is sent there again");

} // namespace mail::schema
