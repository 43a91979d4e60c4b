#include "common/sasl/client.hpp"
#include "common/sasl/mechanism.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::sasl;
using namespace std::string_literals;

TEST_CASE("RFC 4616 §2: PLAIN messages") {
    struct Row {
        std::string message;
        bool accepted;
        std::string authzid, authcid, password;
    };
    const Row rows[] = {
        {"\0tim\0tanstaaftanstaaf"s, true, "", "tim", "tanstaaftanstaaf"}, // RFC 4616 §4
        {"Ursel\0Kurt\0xipj3plmq"s, true, "Ursel", "Kurt", "xipj3plmq"},   // RFC 4616 §4
        {"\0ann\0"s + std::string(1024, 'p'), true, "", "ann", std::string(1024, 'p')},
        {"\0ann\0"s + std::string(1025, 'p'), false, "", "", ""},
        {"\0ann\0"s, false, "", "", ""},
        {"\0\0secret"s, false, "", "", ""},
        {"ann\0secret"s, false, "", "", ""},
        {"ann", false, "", "", ""},
        {"", false, "", "", ""},
        {"\0ann\0sec\0ret"s, false, "", "", ""},
        {"\0\xff\0secret"s, false, "", "", ""},
        {"\0ann\0\xff"s, false, "", "", ""},
        {"\xff\0ann\0secret"s, false, "", "", ""},
        {"\0"s + std::string(1025, 'a') + "\0secret"s, false, "", "", ""},
    };
    for (const Row& row : rows) {
        INFO(row.message.substr(0, 60));
        auto server = make_server_mechanism("plain");
        Step step = server->start(row.message);
        CHECK(std::holds_alternative<CheckPlain>(step) == row.accepted);
        if (!row.accepted) {
            CHECK(std::holds_alternative<Failed>(step));
            continue;
        }
        CHECK(std::get<CheckPlain>(step).username == row.authcid);
        CHECK(std::get<CheckPlain>(step).password.reveal() == row.password);
        step = server->outcome(true);
        CHECK(std::get<Done>(step).authcid == row.authcid);
        CHECK(std::get<Done>(step).authzid == row.authzid);
    }
}

TEST_CASE("PLAIN without an initial response asks with an empty challenge") {
    auto server = make_server_mechanism("PLAIN");
    Step step = server->start(std::nullopt);
    REQUIRE(std::holds_alternative<More>(step));
    CHECK(std::get<More>(step).challenge.empty());
    step = server->step("\0ann\0secret"s);
    REQUIRE(std::holds_alternative<CheckPlain>(step));
    step = server->outcome(false);
    REQUIRE(std::holds_alternative<Failed>(step));
    CHECK(std::get<Failed>(step).username == "ann");
    CHECK(std::holds_alternative<Failed>(server->outcome(true)));
    CHECK(std::holds_alternative<Failed>(server->step("\0ann\0secret"s)));
}

TEST_CASE("LOGIN asks for name and password and takes an initial name") {
    for (const bool initial : {false, true}) {
        auto server = make_server_mechanism("Login");
        Step step;
        if (initial) {
            step = server->start("ann");
        } else {
            step = server->start(std::nullopt);
            REQUIRE(std::holds_alternative<More>(step));
            CHECK(std::get<More>(step).challenge == "Username:");
            step = server->step("ann");
        }
        REQUIRE(std::holds_alternative<More>(step));
        CHECK(std::get<More>(step).challenge == "Password:");
        step = server->step("secret");
        REQUIRE(std::holds_alternative<CheckPlain>(step));
        CHECK(std::get<CheckPlain>(step).username == "ann");
        step = server->outcome(true);
        CHECK(std::holds_alternative<Done>(step));
    }
    for (const std::string& name : {""s, "a\0b"s, "\xff"s, std::string(1025, 'a')}) {
        auto server = make_server_mechanism("LOGIN");
        REQUIRE(std::holds_alternative<More>(server->start(std::nullopt)));
        CHECK(std::holds_alternative<Failed>(server->step(name)));
    }
    for (const std::string& password : {""s, "a\0b"s, std::string(1025, 'a')}) {
        auto server = make_server_mechanism("LOGIN");
        REQUIRE(std::holds_alternative<More>(server->start("ann")));
        CHECK(std::holds_alternative<Failed>(server->step(password)));
    }
}

TEST_CASE("mechanisms are known by name, strongest first") {
    CHECK(server_mechanisms().front() == "SCRAM-SHA-256");
    for (const std::string_view name : server_mechanisms())
        CHECK(make_server_mechanism(name) != nullptr);
    for (const std::string_view name : {"", "CRAM-MD5", "NTLM", "GSSAPI", "EXTERNAL", "PLAIN "})
        CHECK(make_server_mechanism(name) == nullptr);
    CHECK(is_plaintext("plain"));
    CHECK(is_plaintext("LOGIN"));
    CHECK_FALSE(is_plaintext("SCRAM-SHA-256"));

    const std::string_view all[] = {"LOGIN", "plain", "SCRAM-SHA-1", "scram-sha-256"};
    const std::string_view clear[] = {"LOGIN", "PLAIN"};
    const std::string_view foreign[] = {"CRAM-MD5"};
    CHECK(choose_client_mechanism(all, {"a", "b", ""}, false)->name() == "SCRAM-SHA-256");
    CHECK(choose_client_mechanism(clear, {"a", "b", ""}, true)->name() == "PLAIN");
    CHECK(choose_client_mechanism(clear, {"a", "b", ""}, false) == nullptr);
    CHECK(choose_client_mechanism(foreign, {"a", "b", ""}, true) == nullptr);
}
