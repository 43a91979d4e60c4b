// EHLO in each state, word by word.
#include "maild/smtp/ehlo.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::smtp;

namespace {

using Words = std::vector<std::string>;

EhloFacts facts_of(Role role) {
    EhloFacts facts;
    facts.role = role;
    facts.message_size = 52428800;
    facts.recipients = 1000;
    facts.messages = 10000;
    facts.now = parse_rfc3339("2026-11-28T07:00:00Z").value();
    return facts;
}

/// The words of everybody, with others between ENHANCEDSTATUSCODES and LIMITS, and after VRFY.
Words with(Words middle, Words end = {}) {
    Words words{"PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "ENHANCEDSTATUSCODES"};
    words.insert(words.end(), middle.begin(), middle.end());
    words.insert(words.end(), {"LIMITS RCPTMAX=1000 MAILMAX=10000", "VRFY"});
    words.insert(words.end(), end.begin(), end.end());
    return words;
}

const std::string future = "FUTURERELEASE 2592000 2026-12-28T07:00:00Z";

} // namespace

TEST_CASE("the words of MX and LMTP: plain, with STARTTLS, inside TLS") {
    for (const Role role : {Role::mx, Role::lmtp}) {
        EhloFacts facts = facts_of(role);
        CHECK(ehlo_words(facts) == with({}));
        facts.offers_tls = true;
        CHECK(ehlo_words(facts) == with({"STARTTLS"}));
        facts.offers_tls = false;
        facts.in_tls = true;
        CHECK(ehlo_words(facts) == with({"REQUIRETLS"})); // RFC 8689 §2: only here
    }
}

TEST_CASE("the words of submission: before TLS, inside it, signed in") {
    EhloFacts facts = facts_of(Role::submission);
    facts.offers_tls = true;
    CHECK(ehlo_words(facts) == with({"STARTTLS", future, "MT-PRIORITY"}));
    facts.offers_tls = false;
    facts.in_tls = true;
    facts.mechanisms = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    CHECK(ehlo_words(facts) == with({"AUTH SCRAM-SHA-256 PLAIN LOGIN", "REQUIRETLS", future, "MT-PRIORITY"}));
    facts.mechanisms.clear(); // signed in: once per session
    CHECK(ehlo_words(facts) == with({"REQUIRETLS", future, "MT-PRIORITY"}));
}

TEST_CASE("ETRN and XCLIENT are offered to who may use them; limits say what is true") {
    EhloFacts facts = facts_of(Role::mx);
    facts.may_etrn = true;
    CHECK(ehlo_words(facts) == with({}, {"ETRN"}));
    facts.may_xclient = true;
    CHECK(ehlo_words(facts) == with({}, {"ETRN", "XCLIENT NAME ADDR PORT HELO"}));
    // RFC 9422 §4: 1 to 6 digits, no zero.
    facts.recipients = 5;
    facts.messages = 12345678;
    facts.recipient_domains = 3;
    const Words words = ehlo_words(facts);
    CHECK(std::find(words.begin(), words.end(), "LIMITS RCPTMAX=5 MAILMAX=999999 RCPTDOMAINMAX=3") != words.end());
}
