// `mailctl group expand ADDRESS`: who gets mail to an address in the end, and by which way.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"

#include "common/schema/kind.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

const View& recipient_view() {
    static const View view{"recipient", "address", {{"address", "address"}, {"place", "place"}}, false};
    return view;
}

int run_expand(Session& session, const Invocation& given) {
    const std::string address = given.argument(0);
    auto found = session.get("/v1/resolve" + query_text({{"address", address}}));
    if (!found)
        return session.report(found.error(), clean(address));
    if (session.is_json()) {
        session.io.out << json::serialize(*found) << '\n';
        return exit_code::ok;
    }
    if (given.is_on("steps")) {
        if (const json::value* steps = at_path(*found, "steps"); steps != nullptr && steps->is_array())
            for (const json::value& step : steps->get_array())
                session.io.out << clean(raw_text(&step)) << '\n';
        return exit_code::ok;
    }
    json::object page;
    page["items"] = found->at("recipients");
    return session.print(list_text(recipient_view(), json::value(std::move(page)), session.print_options()));
}

} // namespace

CommandSpec expand_command(const schema::Kind& kind) {
    const std::string noun(kind.name);
    const std::string sample(kind.key_field().sample);
    CommandSpec spec;
    spec.verb = "expand";
    spec.summary = "Show who gets mail to it in the end, groups within groups and forwarding included";
    spec.arguments = {{std::string(kind.key_field().name), true, false, Completes::names}};
    spec.options = {{"steps", "", "Tell each step of the way instead, one a line."}};
    spec.examples = {"mailctl " + noun + " expand " + sample, "mailctl " + noun + " expand " + sample + " --steps"};
    spec.details = "Any address may be given. Everybody is listed once, however many ways lead there.";
    spec.related = noun + " show, " + "explain " + noun;
    spec.run = run_expand;
    return spec;
}

} // namespace mail::mailctl
