#include "common/base/text.hpp"
#include "common/sasl/verifier.hpp"
#include "tests/catch.hpp"

#include <chrono>

using namespace mail;
using namespace mail::sasl;

TEST_CASE("a verifier fits its password and no other, also as text") {
    const auto verifier = make_verifier("pencil", 4096);
    REQUIRE(verifier);
    CHECK(check_password(*verifier, "pencil"));
    CHECK_FALSE(check_password(*verifier, "Pencil"));
    CHECK_FALSE(check_password(*verifier, ""));
    CHECK_FALSE(check_password(*verifier, std::string(1025, 'x')));
    const auto again = parse_verifier(to_text(*verifier));
    REQUIRE(again);
    CHECK(*again == *verifier);
    CHECK(make_verifier("pencil", 4096)->salt != verifier->salt);
    CHECK(make_verifier("pencil")->iterations == limit::scram_iterations);
}

TEST_CASE("RFC 7677 §3: the example's keys") {
    const auto salt = text::unbase64("W22ZaJ0SNY7soEsUEjb6gQ==");
    const auto verifier = make_verifier_with_salt("pencil", *salt, 4096);
    REQUIRE(verifier);
    CHECK(to_text(*verifier) == "{SCRAM-SHA-256}4096:W22ZaJ0SNY7soEsUEjb6gQ==:"
                                "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST_CASE("bad texts of verifiers are refused") {
    const std::string key = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=";
    const auto text_of = [&](std::string rounds, std::string salt) {
        return "{SCRAM-SHA-256}" + rounds + ":" + salt + ":" + key + ":" + key;
    };
    REQUIRE(parse_verifier(text_of("4096", "c2FsdA==")));
    REQUIRE(parse_verifier(text_of("1000000", "c2FsdA==")));
    const std::string bad[] = {
        text_of("4095", "c2FsdA=="),
        text_of("1000001", "c2FsdA=="),
        text_of("4294971392", "c2FsdA=="),
        text_of("-4096", "c2FsdA=="),
        text_of("", "c2FsdA=="),
        text_of("4096", ""),
        text_of("4096", "c2FsdA"),
        text_of("4096", text::base64(std::string(65, 's'))),
        text_of("4096", "c2FsdA==") + ":",
        text_of("4096", "c2FsdA==") + " ",
        "{SCRAM-SHA-256}4096:c2FsdA==:" + key,
        "{SCRAM-SHA-256}4096:c2FsdA==:" + key + ":c2FsdA==",
        "{scram-sha-256}4096:c2FsdA==:" + key + ":" + key,
        "",
        "pencil",
        std::string(10000, 'A'),
    };
    for (const std::string& text : bad) {
        INFO(text);
        CHECK_FALSE(parse_verifier(text));
    }
}

TEST_CASE("RFC 4013 §3: SASLprep of passwords") {
    CHECK(prepare_password("I\u00ADX").value() == "IX");       // soft hyphen is mapped to nothing
    CHECK(prepare_password("user").value() == "user");
    CHECK(prepare_password("\u00AA").value() == "a");           // NFKC
    CHECK(prepare_password("\u2168").value() == "IX");          // roman numeral nine
    CHECK(prepare_password("a\u00A0b").value() == "a b");       // no-break space
    CHECK_FALSE(prepare_password("\x07"));                       // prohibited character
    CHECK_FALSE(prepare_password("\u0627\u0031"));              // bidirectional check
    CHECK(prepare_password("e\u0301").value() == "\u00E9");
    CHECK(prepare_password("\U0001F600").value() == "\U0001F600"); // newer than Unicode 3.2
    CHECK_FALSE(prepare_password(""));
    CHECK_FALSE(prepare_password("\u00AD"));
    CHECK_FALSE(prepare_password("\xff"));
    CHECK_FALSE(prepare_password(std::string("a\0b", 3)));
    CHECK(prepare_password(std::string(1024, 'x')));
    CHECK_FALSE(prepare_password(std::string(1025, 'x')));
    std::string ligatures;
    for (int i = 0; i < 341; ++i)
        ligatures += "\uFDFA"; // grows 18 times
    CHECK(prepare_password(ligatures));
    CHECK(check_password(*make_verifier("caf\u00E9", 4096), "cafe\u0301"));
}

TEST_CASE("faults A03: an unknown user has a stable salt that looks like any other") {
    const Verifier one = fake_verifier("key", "nobody@example.org");
    CHECK(one == fake_verifier("key", "Nobody@Example.ORG"));
    CHECK(one.salt != fake_verifier("key", "nobody2@example.org").salt);
    CHECK(one.salt != fake_verifier("other", "nobody@example.org").salt);
    CHECK(one.salt.size() == make_verifier("x", 4096)->salt.size());
    CHECK(one.iterations == limit::scram_iterations);
    CHECK(parse_verifier(to_text(one)));
    CHECK_FALSE(check_password(one, "anything"));
}
