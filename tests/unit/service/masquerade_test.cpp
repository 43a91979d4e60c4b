// Subdomains that are shown as one domain.
#include "common/schema/kinds/domain.hpp"
#include "maild/service/masquerade.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::service;

namespace {

Masquerade sample() {
    std::map<std::string, schema::Domain> domains;
    domains["example.org"].masquerade = true;
    domains["own.example.org"]; // a domain of this server keeps its name
    domains["other.test"];
    return Masquerade(domains);
}

} // namespace

TEST_CASE("hosts below a domain are shown as it, domains of this server are not") {
    const Masquerade masquerade = sample();
    CHECK(masquerade.shown("host.example.org") == "example.org");
    CHECK(masquerade.shown("a.b.example.org") == "example.org");
    CHECK(masquerade.shown("x.own.example.org") == "example.org");
    for (const char* kept : {"example.org", "own.example.org", "notexample.org", "host.other.test", "org", ""})
        CHECK_FALSE(masquerade.shown(kept));
    CHECK(masquerade.apply({"ann", "Host.Example.ORG"}).text() == "ann@example.org");
    CHECK(masquerade.apply({"ann", "remote.test"}).text() == "ann@remote.test");
    CHECK(Masquerade().apply({"ann", "host.example.org"}).text() == "ann@host.example.org");
}

TEST_CASE("From, Sender and Reply-To are rewritten where they stand, nothing else is") {
    const Masquerade masquerade = sample();
    const auto changed = masquerade.apply_header("Received: by host.example.org\r\nFrom: \"Ann\" <ann@HOST.example.org> (at work),\r\n"
                                                 " bob@own.example.org\r\nTo: x@host.example.org\r\nreply-to: a@h.example.org, b@remote.test\r\n"
                                                 "Sender: c@host.example.org.invalid\r\nSubject: ann@host.example.org\r\n\r\n");
    REQUIRE(changed);
    CHECK(*changed == "Received: by host.example.org\r\nFrom: \"Ann\" <ann@example.org> (at work),\r\n bob@own.example.org\r\n"
                      "To: x@host.example.org\r\nreply-to: a@example.org, b@remote.test\r\nSender: c@host.example.org.invalid\r\n"
                      "Subject: ann@host.example.org\r\n\r\n");
    CHECK_FALSE(masquerade.apply_header("From: ann@example.org\r\nTo: x@host.example.org\r\n\r\n"));
    CHECK_FALSE(masquerade.apply_header(""));
    // A longer name that begins like one of the field's is left whole.
    CHECK(masquerade.apply_header("From: a@h.example.org, b@h.example.org.evil.test\r\n") ==
          "From: a@example.org, b@h.example.org.evil.test\r\n");
}
