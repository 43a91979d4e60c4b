#include "common/schema/plan.hpp"

#include "tests/catch.hpp"
#include "tests/unit/schema/support.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>

using namespace mail;
using namespace mail::schema;
using namespace mail::schema::test;
namespace json = boost::json;

namespace {

Plan plan_of(const MemoryView& view, std::string_view yaml, const PlanOptions& options = {}) {
    auto documents = documents_of(yaml);
    resolve(documents);
    return compute_plan(view, documents, options, PlainSealer{});
}

std::string twelve(std::size_t count) {
    std::string out = "kind: domain\nname: x.org\n---\nkind: mailbox\nitems:\n";
    for (std::size_t i = 0; i < count; ++i)
        out += "  m" + std::to_string(i) + "@x.org: {}\n";
    return out;
}

} // namespace

TEST_CASE("apply twice changes nothing the second time") {
    MemoryView view;
    const std::string first = apply(view, documents_of(contract_site));
    CHECK(
        first.find(
            "+ mailbox ann@example.test\n    display_name: Ann Archer\n    quota: 2GiB\n    password: (set)\n"
            "    aliases: a.archer@example.test\n") != std::string::npos);
    CHECK(first.find("pw-") == std::string::npos);
    CHECK(first.ends_with("22 to create\n"));
    CHECK(apply(view, documents_of(contract_site)) == "no changes\n");
    const auto ann = view.find("mailbox", "ann@example.test");
    CHECK(json::serialize(ann->spec->at("password")) ==
          R"x({"hash":"sealed(pw-ann@example.test)","fingerprint":"19"})x");
    // An order of its own, other spellings: still the same.
    CHECK(apply(view,
                documents_of(
                    "kind: mailbox\nname: ANN@example.test\n"
                    "spec: {aliases: A.Archer@Example.Test, quota: 2048MiB, display_name: Ann Archer}\n")) ==
          "no changes\n");
}

TEST_CASE("a plan says what would change") {
    MemoryView view;
    apply(view, documents_of(contract_site));
    const Plan plan = plan_of(view, "kind: mailbox\nitems:\n  ann@example.test: {quota: 3GiB, enabled: "
                                    "false, password: {hash: \"sealed(new)\"}}\n"
                                    "  carl@example.test: {}\n---\nkind: domain\nname: second.test\n");
    CHECK(first_error(plan) == "");
    CHECK(to_text(plan) == "+ domain second.test\n"
                           "~ mailbox ann@example.test\n"
                           "    display_name: Ann Archer -> (none)\n"
                           "    quota: 2GiB -> 3GiB\n"
                           "    password: (changed)\n"
                           "    aliases: a.archer@example.test -> (none)\n"
                           "    enabled: yes -> no\n"
                           "+ mailbox carl@example.test\n"
                           "2 to create, 1 to update\n");
    const auto wire = to_json(plan);
    CHECK(json::serialize(wire.at("summary")) ==
          R"({"create":2,"update":1,"replace":0,"delete":0,"adopt":0,"reconnect":0})");
    CHECK(json::serialize(wire.at("operations").as_array()[1].at("changes").as_array()[2]) ==
          R"x({"field":"password","before":"(changed)","after":"(changed)"})x");
    CHECK(json::serialize(wire).find("sealed") == std::string::npos);
    CHECK(plan.hash.size() == 32);
    CHECK(plan_of(view, "kind: domain\nname: second.test\n").hash != plan.hash);
    CHECK(plan_of(view, "kind: domain\nname: second.test\n").hash ==
          plan_of(view, "kind: domain\nname: second.test\n").hash);
    const auto before = plan_of(view, "kind: domain\nname: second.test\n").hash;
    apply(view, documents_of("kind: domain\nname: third.test\n"));
    CHECK(plan_of(view, "kind: domain\nname: second.test\n").hash != before); // another base revision
}

TEST_CASE("objects made by hand are adopted without a change") {
    MemoryView view;
    PlanOptions by_hand;
    by_hand.set = "";
    apply(view, documents_of("kind: domain\nname: x.org\n"), by_hand);
    CHECK(view.find("domain", "x.org")->set == "");
    const Plan plan = plan_of(view, "kind: domain\nname: x.org\n");
    CHECK(plan.count(Action::adopt) == 1);
    CHECK(!plan.has_changes());
    CHECK(to_text(plan) == "no changes\n");
    carry_out(plan, view);
    CHECK(view.find("domain", "x.org")->set == "default");
    // Changed by hand later, it stays in its set.
    apply(view, documents_of("kind: domain\nname: x.org\nspec: {enabled: false}\n"), by_hand);
    CHECK(view.find("domain", "x.org")->set == "default");
    PlanOptions other;
    other.set = "prod";
    CHECK(first_error(plan_of(view, "kind: domain\nname: x.org\n", other)) ==
          "t.yaml:2:7: domain x.org: belongs to set default (take it with --take-over)");
    other.take_over = true;
    CHECK(first_error(plan_of(view, "kind: domain\nname: x.org\n", other)) == "");
}

TEST_CASE("Y08: prune deletes what left the files, behind a guard") {
    MemoryView view;
    PlanOptions options;
    apply(view, documents_of(twelve(30)));
    PlanOptions by_hand;
    by_hand.set = "";
    apply(view, documents_of("kind: mailbox\nname: hand@x.org\n"), by_hand);
    PlanOptions other;
    other.set = "other";
    apply(view, documents_of("kind: mailbox\nname: other@x.org\n"), other);
    CHECK(plan_of(view, twelve(10)).has_changes() == false); // without --prune nothing goes
    options.prune = true;
    const Plan some = plan_of(view, twelve(28), options);
    CHECK(first_error(some) == "");
    CHECK(to_text(some) == "- mailbox m29@x.org\n- mailbox m28@x.org\n"
                           "! 2 mailboxes: nobody can sign in to it or send mail to it; for a while mailbox restore brings it back\n"
                           "2 to delete\n");
    CHECK(first_error(plan_of(view, twelve(26), options)) ==
          "prune would delete 4 of 31 objects of set default (allow it with --max-deletes 4)");
    CHECK(to_error(plan_of(view, "", options).issues).message ==
          "prune would delete 31 of 31 objects of set default, and 2 more");
    options.max_deletes = 4;
    const Plan allowed = plan_of(view, twelve(26), options);
    CHECK(first_error(allowed) == "");
    CHECK(allowed.count(Action::remove) == 4);
    options.max_deletes = 3;
    CHECK(first_error(plan_of(view, twelve(26), options)) != "");
}

TEST_CASE("deletions come first and backwards") {
    MemoryView view;
    apply(view, documents_of("kind: domain\nname: x.org\n---\nkind: mailbox\nname: a@x.org\n---\nkind: "
                             "alias\nname: b@x.org\nspec: {targets: [a@x.org]}\n"));
    PlanOptions options;
    options.prune = true;
    options.max_deletes = 9;
    const Plan plan =
        plan_of(view, "kind: mailbox\nname: c@y.org\n---\nkind: domain\nname: y.org\n", options);
    CHECK(first_error(plan) == "");
    std::string order;
    for (const auto& operation : plan.operations)
        order += std::string(action_name(operation.action)) + " " + operation.name + "\n";
    CHECK(order == "delete b@x.org\ndelete a@x.org\ndelete x.org\ncreate y.org\ncreate c@y.org\n");
}

TEST_CASE("a rename is a deletion and a creation that may keep the addresses") {
    MemoryView view;
    apply(view, documents_of("kind: domain\nname: x.org\n---\nkind: mailbox\nname: old@x.org\nspec: "
                             "{aliases: [shared@x.org]}\n"));
    PlanOptions options;
    options.removals.emplace_back("mailbox", "old@x.org");
    const Plan plan = plan_of(
        view, "kind: mailbox\nname: new@x.org\nspec: {aliases: [shared@x.org, old@x.org]}\n", options);
    CHECK(first_error(plan) == "");
    REQUIRE(plan.operations.size() == 2);
    CHECK(plan.operations[1].addresses == std::vector<std::string>{"new@x.org", "old@x.org", "shared@x.org"});
}

TEST_CASE("faults in a plan name every object") {
    MemoryView view;
    const Plan plan =
        plan_of(view, "kind: mailbox\nitems:\n  a@x.org: {}\n  b@y.org: {password: {keep: true}}\n");
    std::string all;
    for (const auto& issue : plan.issues)
        all += to_text(issue) + "\n";
    CHECK(all == "t.yaml:4:23: mailbox b@y.org: password: has nothing to keep: the object is new or has none "
                 "(give the secret itself)\n"
                 "t.yaml:3:3: mailbox a@x.org: domain x.org does not exist (create it with: mailctl domain "
                 "create x.org)\n"
                 "t.yaml:4:3: mailbox b@y.org: domain y.org does not exist (create it with: mailctl domain "
                 "create y.org)\n");
}

TEST_CASE("ten thousand mailboxes are planned within seconds") {
    MemoryView view;
    const auto start = std::chrono::steady_clock::now();
    apply(view, documents_of(twelve(10000)));
    CHECK(apply(view, documents_of(twelve(10000))) == "no changes\n");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CHECK(took.count() < 60); // about 3 s in a debug build
}
