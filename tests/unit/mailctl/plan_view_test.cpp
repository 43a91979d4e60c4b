#include "mailctl/output/plan_view.hpp"
#include "tests/catch.hpp"

#include <boost/json.hpp>

using namespace mail::mailctl;
namespace json = boost::json;

namespace {

const char* const sample = R"J({"plan_hash": "ab", "base_revision": 3, "operations": [
    {"action": "create", "kind": "mailbox", "name": "ann@example.org", "changes": [
        {"field": "display_name", "before": "", "after": "Ann Archer"},
        {"field": "password", "before": "(changed)", "after": "(changed)"}]},
    {"action": "update", "kind": "mailbox", "name": "bob@example.org", "changes": [
        {"field": "quota", "before": "1GiB", "after": "2GiB"}, {"field": "aliases", "before": "b@example.org", "after": ""}]},
    {"action": "replace", "kind": "listener", "name": "mx", "changes": [{"field": "protocol", "before": "smtp", "after": "lmtp"}]},
    {"action": "delete", "kind": "group", "name": "old\u001b[1m@example.org", "changes": []},
    {"action": "adopt", "kind": "domain", "name": "example.org", "changes": []},
    {"action": "none", "kind": "domain", "name": "example.net", "changes": []}],
    "warnings": ["mx listens on all addresses"], "effects": ["listener mx is closed and opened again"]})J";

} // namespace

TEST_CASE("a plan reads like a review") {
    CHECK(plan_text(json::parse(sample), {}) == "+ mailbox ann@example.org\n"
                                                "    display_name  Ann Archer\n"
                                                "    password      (set)\n"
                                                "~ mailbox bob@example.org\n"
                                                "    quota    1GiB -> 2GiB\n"
                                                "    aliases  b@example.org -> (none)\n"
                                                "-/+ listener mx (deleted and created again)\n"
                                                "    protocol  smtp -> lmtp\n"
                                                "- group old\\x1b[1m@example.org\n"
                                                "= domain example.org (joins the set, otherwise unchanged)\n"
                                                "\n"
                                                "effect: listener mx is closed and opened again\n"
                                                "plan: 1 to create, 1 to change, 1 to replace, 1 to delete\n");
    CHECK(plan_warnings(json::parse(sample)) == "warning: mx listens on all addresses\n");
}

TEST_CASE("the members old and new mean the same as before and after") {
    const json::value plan = json::parse(R"({"operations": [{"action": "update", "kind": "server", "name": "server",
        "changes": [{"field": "hostname", "old": null, "new": "mx.example.org"}]}]})");
    CHECK(plan_text(plan, {}) == "~ server server\n    hostname  (none) -> mx.example.org\n\nplan: 1 to change\n");
}

TEST_CASE("nothing to do is said in two words") {
    CHECK(plan_text(json::parse(R"({"operations": []})"), {}) == "no changes\n");
    const json::value adopts = json::parse(R"({"operations": [{"action": "adopt", "kind": "domain", "name": "example.org"}]})");
    CHECK(!count_plan(adopts).has_changes());
    CHECK(plan_text(adopts, {}).ends_with("no changes\n"));
    CHECK(done_summary(count_plan(json::parse(sample))) == "1 created, 1 changed, 1 replaced, 1 deleted");
}
