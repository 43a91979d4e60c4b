#include "common/schema/kinds/pickup.hpp"

#include "common/schema/json.hpp"
#include "common/schema/view.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Pickup::name>("name", "Name of the pickup.").key().pattern(name_format).column(1).example("default"),
    field<&Pickup::directory>("directory",
                              "Folder on the server; each file placed in it is sent and disappears. Write under a name that "
                              "begins with a dot or ends in .tmp, then rename.")
        .required()
        .pattern(path_format)
        .length(1000)
        .column(2)
        .example("/var/lib/maild/pickup"),
    field<&Pickup::badmail>("badmail",
                            "Folder for files that cannot be sent, each with the reason in a file beside it; empty means badmail in "
                            "the data directory.")
        .pattern(path_format)
        .length(1000)
        .column(3)
        .example("/var/lib/maild/badmail"),
    field<&Pickup::enabled>("enabled", "Whether files are taken.").column(4).example("true"),
};

void check(const Pickup& pickup, Issues& issues) {
    if (pickup.badmail == pickup.directory)
        report(issues, "badmail", "is the folder that is picked up: what failed would be tried for ever");
}

/// Two that take from one folder would send its files twice; badmail that is picked up would go round.
void check_whole(const Pickup& pickup, std::string_view name, const ResourceView& whole, Issues& issues) {
    whole.each("pickup", [&](const Current& current) {
        const auto other = decode<Pickup>(current.name, *current.spec);
        if (!other || current.name == name)
            return true;
        if (other->directory == pickup.directory)
            report(issues, "directory", "is taken by pickup " + current.name).code = ErrorCode::conflict;
        if (other->directory == pickup.badmail)
            report(issues, "badmail", "is picked up by " + current.name);
        if (other->badmail == pickup.directory)
            report(issues, "directory", "is the badmail of pickup " + current.name);
        return true;
    });
}

} // namespace

constinit const Kind pickup_kind =
    make_kind<Pickup>("pickup", "pickups", "A folder whose files are sent as mail.", fields)
        .deletion("files placed in its folder are no longer sent")
        .checked<Pickup, &check>()
        .checked_whole<Pickup, &check_whole>();

} // namespace mail::schema
