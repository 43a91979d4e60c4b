// `mailctl route test ADDRESS`: where mail would go now, without sending anything.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"

#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

std::string text_at(const json::value& value, std::string_view name) {
    const json::value* found = at_path(value, name);
    return found != nullptr && found->is_string() ? text::escape(std::string(found->get_string()), 500) : std::string();
}

const View& host_view() {
    static const View view{"host", "host",
        {{"host", "host"}, {"address", "address"}, {"port", "port", Unit::number}, {"tls", "tls"}, {"why", "why"},
         {"problem", "problem"}}, false};
    return view;
}

/// One sentence a line, for people.
void tell(std::ostream& out, const json::value& way, const std::string& recipient) {
    const std::string route = text_at(way, "route");
    out << "mail to " << text::escape(recipient, 320) << " goes "
        << (route.empty() ? std::string("the default way") : "by route " + route) << ", TLS " << text_at(way, "tls") << '\n';
    if (const auto held = text_at(way, "held"); !held.empty())
        out << "it would wait: " << held << '\n';
    if (const auto suppressed = text_at(way, "suppressed"); !suppressed.empty())
        out << "it would be returned: " << suppressed << '\n';
    if (const auto problem = text_at(way, "problem"); !problem.empty())
        out << "no host can be tried: " << problem << '\n';
    if (const auto policy = text_at(way, "mta_sts"); !policy.empty())
        out << "the domain has an MTA-STS policy: " << policy << '\n';
    const json::value* validated = at_path(way, "validated");
    if (validated != nullptr && validated->is_bool() && validated->get_bool())
        out << "DNSSEC vouches for its hosts\n";
}

int run_test(Session& session, const Invocation& given) {
    const std::string recipient = given.argument(0);
    auto way = session.get("/v1/queue/way" + query_text({{"recipient", recipient}, {"sender", given.value("sender")}}));
    if (!way)
        return session.report(way.error(), "route test");
    if (session.is_json()) {
        session.io.out << json::serialize(*way) << '\n';
        return exit_code::ok;
    }
    tell(session.io.out, *way, recipient);
    json::object page;
    page["items"] = way->at("hosts");
    if (page["items"].is_array() && page["items"].get_array().empty())
        return exit_code::ok;
    return session.print(list_text(host_view(), json::value(std::move(page)), session.print_options()));
}

} // namespace

CommandSpec route_test_command() {
    CommandSpec spec;
    spec.verb = "test";
    spec.summary = "Show where mail to an address would go now, and how it would be encrypted";
    spec.arguments = {{"address", true}};
    spec.options = {{"sender", "address", "From whom; routes may depend on it."}};
    spec.examples = {"mailctl route test ann@example.org", "mailctl route test ann@example.org --sender bob@example.com -o json"};
    spec.details = "The hosts stand in the order in which they would be tried. Nothing is connected to and nothing is sent.";
    spec.related = "route list, queue list";
    spec.run = run_test;
    return spec;
}

} // namespace mail::mailctl
