#include "common/schema/validate.hpp"

#include "tests/catch.hpp"
#include "tests/unit/schema/support.hpp"

using namespace mail;
using namespace mail::schema;
using namespace mail::schema::test;

namespace {

const char* const base =
    "kind: domain\nitems: {example.org: {}, caught.org: {catch_all: ann@example.org}}\n---\n"
    "kind: mailbox\nitems: {ann@example.org: {aliases: [archer@example.org]}, bob@example.org: {}}\n---\n"
    "kind: certificate\nitems: {default: {self_signed: true}}\n";

/// The faults of adding documents to the base.
std::string adding(std::string_view yaml) {
    MemoryView view;
    apply(view, documents_of(base));
    const auto documents = documents_of(yaml);
    const Plan plan = compute_plan(view, documents, {}, PlainSealer{});
    std::string out;
    for (const auto& issue : plan.issues)
        out += to_text(issue) + "\n";
    return out;
}

std::string removing(std::string_view kind, std::string_view name, std::string_view also = {}) {
    MemoryView view;
    apply(view, documents_of(base));
    apply(view, documents_of(
                    "kind: group\nname: all@example.org\nspec: {members: [archer@example.org, "
                    "bob@example.org]}\n---\n"
                    "kind: listener\nname: imap\nspec: {protocol: imap, bind: \"*:143\", tls: starttls}\n"));
    PlanOptions options;
    options.set = "";
    options.removals.emplace_back(kind, name);
    const auto documents = documents_of(also);
    const Plan plan = compute_plan(view, documents, options, PlainSealer{});
    std::string out;
    for (const auto& issue : plan.issues)
        out += to_text(issue) + "\n";
    return out;
}

} // namespace

TEST_CASE("references must lead somewhere") {
    CHECK(adding("kind: mailbox\nitems:\n  ann@exmaple.org: {}\n") ==
          "t.yaml:3:3: mailbox ann@exmaple.org: domain exmaple.org does not exist (did you mean "
          "example.org?)\n");
    CHECK(adding("kind: mailbox\nitems:\n  ann@elsewhere.net: {}\n") ==
          "t.yaml:3:3: mailbox ann@elsewhere.net: domain elsewhere.net does not exist (create it with: "
          "mailctl domain create elsewhere.net)\n");
    CHECK(adding("kind: mailbox\nname: x@example.org\nspec: {aliases: [x@exampel.org]}\n") ==
          "t.yaml:3:17: mailbox x@example.org: aliases: domain exampel.org does not exist (did you mean "
          "example.org?)\n");
    CHECK(
        adding("kind: listener\nname: l\nspec: {protocol: imap, bind: \"*:143\", tls: implicit, certificate: "
               "defualt}\n") ==
        "t.yaml:3:67: listener l: certificate: certificate defualt does not exist (did you mean default?)\n");
    CHECK(adding("kind: listener\nname: l\nspec: {protocol: imap, bind: \"*:143\", certificate: gone}\n") ==
          "");
    CHECK(adding("kind: group\nname: g@example.org\nspec:\n  members: [bbo@example.org, x@remote.net]\n") ==
          "t.yaml:4:12: group g@example.org: members: nobody has the address bbo@example.org (did you mean "
          "bob@example.org?)\n");
    CHECK(adding("kind: group\nname: g@example.org\nspec: {members: [ARCHER@example.org, "
                 "ann+lists@example.org, any@caught.org]}\n") == "");
    CHECK(adding("kind: domain\nname: new.org\nspec: {catch_all: office@new.org}\n")
              .find("nobody has the address office@new.org") != std::string::npos);
}

TEST_CASE("an address has one owner") {
    const char* const wanted = "kind: alias\nname: archer@example.org\nspec: {targets: [bob@example.org]}\n";
    CHECK(adding(wanted) == "t.yaml:2:7: alias archer@example.org: archer@example.org belongs to mailbox "
                            "ann@example.org already\n");
    MemoryView view;
    apply(view, documents_of(base));
    const auto documents = documents_of(wanted);
    const Plan plan = compute_plan(view, documents, {}, PlainSealer{});
    CHECK(to_error(plan.issues).code == ErrorCode::conflict);
    CHECK(adding("kind: mailbox\nname: x@example.org\nspec: {aliases: [Bob@example.org]}\n") ==
          "t.yaml:3:17: mailbox x@example.org: aliases: bob@example.org belongs to mailbox bob@example.org "
          "already\n");
    // A name that moves within one apply is no conflict.
    CHECK(adding("kind: mailbox\nname: ann@example.org\n---\n" + std::string(wanted)) == "");
    // Between two new objects it is told once.
    CHECK(adding("kind: alias\nname: n@example.org\nspec: {targets: [x@y.net]}\n---\nkind: group\nname: "
                 "n@example.org\n") ==
          "t.yaml:6:7: group n@example.org: n@example.org belongs to alias n@example.org already\n");
}

TEST_CASE("aliases make no loops") {
    CHECK(adding("kind: alias\nitems:\n  a@example.org: {targets: [a@example.org]}\n") ==
          "t.yaml:3:3: alias a@example.org: leads to itself\n");
    const std::string ring =
        adding("kind: alias\nitems:\n  a@example.org: {targets: [b@example.org]}\n"
               "  b@example.org: {targets: [c@example.org]}\n---\n"
               "kind: group\nname: c@example.org\nspec: {members: [a@example.org, bob@example.org]}\n");
    CHECK(ring.find("alias a@example.org: leads back to itself through b@example.org, c@example.org\n") !=
          std::string::npos);
    std::string chain = "kind: alias\nitems:\n";
    for (int i = 0; i < 20; ++i)
        chain += "  c" + std::to_string(i) + "@example.org: {targets: [" +
                 (i < 19 ? "c" + std::to_string(i + 1) : std::string("bob")) + "@example.org]}\n";
    CHECK(adding(chain).find("alias c0@example.org: mail to it is handed on more than 16 times") !=
          std::string::npos);
    std::string wide =
        "kind: alias\nitems:\n"; // every level to every object of the next: many ways, few objects
    for (int level = 0; level < 10; ++level)
        for (int i = 0; i < 10; ++i) {
            wide += "  l" + std::to_string(level) + "x" + std::to_string(i) +
                    "@example.org: {targets: [bob@example.org";
            for (int j = 0; level < 9 && j < 10; ++j)
                wide += ", l" + std::to_string(level + 1) + "x" + std::to_string(j) + "@example.org";
            wide += "]}\n";
        }
    CHECK(adding(wide) == "");
}

TEST_CASE("listeners and routes do not collide") {
    const auto two = [](const char* a, const char* b) {
        return adding("kind: listener\nitems:\n  a: {protocol: smtp, bind: \"" + std::string(a) +
                      "\"}\n  b: {protocol: imap, bind: \"" + b + "\"}\n");
    };
    CHECK(two("*:25", "127.0.0.1:25").find("listener a: bind: *:25 is taken by listener b") !=
          std::string::npos);
    CHECK(two("0.0.0.0:25", "127.0.0.1:25") != "");
    CHECK(two("[::]:25", "[::1]:25") != "");
    CHECK(two("[::1]:25", "127.0.0.1:25") == "");
    CHECK(two("127.0.0.1:25", "127.0.0.1:26") == "");
    CHECK(two("127.0.0.1:0", "127.0.0.1:0") == "");
    CHECK(two("unix:/run/a", "unix:/run/a") != "");
    CHECK(adding("kind: route\nitems:\n  a: {domains: [\"*\", x.net]}\n  b: {domains: [X.NET]}\n")
              .find("x.net is taken by route b") != std::string::npos);
}

TEST_CASE("what is needed stays") {
    CHECK(removing("domain", "example.org") ==
          "domain example.org: is still needed by mailbox ann@example.org (change or delete that first)\n"
          "domain example.org: is still needed by mailbox ann@example.org (change or delete that first)\n"
          "domain example.org: is still needed by mailbox bob@example.org (change or delete that first)\n"
          "domain example.org: is still needed by group all@example.org (change or delete that first)\n");
    CHECK(removing("certificate", "default") ==
          "certificate default: is still needed by listener imap (change or delete that first)\n");
    CHECK(removing("mailbox", "bob@example.org") ==
          "warning: group all@example.org: members: names bob@example.org, which nobody has any more\n");
    CHECK(removing("mailbox", "ann@example.org")
              .find("warning: domain caught.org: catch_all: names ann@example.org") == 0);
    // An alias that goes with its mailbox.
    CHECK(removing("mailbox", "ann@example.org").find("members: names archer@example.org") !=
          std::string::npos);
    CHECK(removing("mailbox", "bob@example.org",
                   "kind: group\nname: all@example.org\nspec: {members: [ann@example.org]}\n") == "");
    CHECK(removing("mailbox", "bbo@example.org") ==
          "mailbox bbo@example.org: does not exist (did you mean bob@example.org?)\n");
}

TEST_CASE("offline validation knows only the documents") {
    CHECK(faults_of("kind: mailbox\nitems: {a@unknown.org: {aliases: [b@unknown.org]}}\n") == "");
    CHECK(faults_of("kind: mailbox\nitems: {a@x.org: {aliases: [b@x.org]}, b@x.org: {}}\n") ==
          "t.yaml:2:40: mailbox b@x.org: b@x.org belongs to mailbox a@x.org already\n");
}
