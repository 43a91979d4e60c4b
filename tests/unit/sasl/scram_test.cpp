#include "common/base/text.hpp"
#include "common/sasl/client.hpp"
#include "common/sasl/mechanism.hpp"
#include "common/sasl/scram_message.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::sasl;

namespace {

// RFC 7677 §3
const std::string client_nonce = "rOprNGfwEbeRWgbNEkqO";
const std::string server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string client_first = "n,,n=user,r=" + client_nonce;
const std::string server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

Verifier pencil() {
    return make_verifier_with_salt("pencil", *text::unbase64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096).value();
}

std::string challenge_of(const Step& step) {
    REQUIRE(std::holds_alternative<More>(step));
    return std::get<More>(step).challenge;
}

/// The server after its first message.
std::unique_ptr<ServerMechanism> server_after_first(const std::string& first = client_first, bool plus = false,
                                                    ChannelBinding binding = {}) {
    auto server = make_scram_server(server_nonce, plus, std::move(binding));
    const Step step = server->start(first);
    REQUIRE(std::holds_alternative<NeedVerifier>(step));
    REQUIRE(std::holds_alternative<More>(server->verifier(pencil())));
    return server;
}

/// Our client against our server; the server's last step.
Step converse(ClientMechanism& client, ServerMechanism& server, const Verifier& verifier) {
    Step step = server.start(client.initial());
    for (int round = 0; round < 10; ++round) {
        if (std::holds_alternative<NeedVerifier>(step)) {
            step = server.verifier(verifier);
        } else if (auto* plain = std::get_if<CheckPlain>(&step)) {
            step = server.outcome(check_password(verifier, plain->password.reveal()));
        } else if (auto* more = std::get_if<More>(&step)) {
            auto response = client.step(more->challenge);
            if (!response)
                return Failed{response.error().message, {}, false};
            step = server.step(*response);
        } else {
            break;
        }
    }
    return step;
}

} // namespace

TEST_CASE("RFC 7677 §3: the server's side of the example") {
    auto server = make_scram_server(server_nonce, false, {});
    Step step = server->start(client_first);
    REQUIRE(std::holds_alternative<NeedVerifier>(step));
    CHECK(std::get<NeedVerifier>(step).username == "user");
    CHECK(challenge_of(server->verifier(pencil())) == server_first);
    CHECK(challenge_of(server->step(client_final)) == server_final);
    step = server->step("");
    REQUIRE(std::holds_alternative<Done>(step));
    CHECK(std::get<Done>(step).authcid == "user");
    CHECK(std::get<Done>(step).authzid.empty());
    CHECK(std::holds_alternative<Failed>(server->step("")));
}

TEST_CASE("RFC 7677 §3: the client's side of the example") {
    auto client = make_client_mechanism("scram-sha-256", {"user", "pencil", ""}, client_nonce);
    CHECK(client->initial() == client_first);
    CHECK(client->step(server_first).value() == client_final);
    CHECK_FALSE(client->is_complete());
    CHECK(client->step(server_final).value().empty());
    CHECK(client->is_complete());
    CHECK_FALSE(client->step(""));
}

TEST_CASE("faults A01: a final message that is not right in every part fails") {
    const std::string nonce = client_nonce + server_nonce;
    const std::string proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const std::string bad[] = {
        "",
        "c=biws,r=" + client_nonce + ",p=" + proof,
        "c=biws,r=,p=" + proof,
        "c=biws,r=" + nonce + "x,p=" + proof,
        "c=eSws,r=" + nonce + ",p=" + proof, // y,, although the first message said n,,
        "c=,r=" + nonce + ",p=" + proof,
        "c=biws,r=" + nonce,
        "c=biws,r=" + nonce + ",p=",
        "c=biws,r=" + nonce + ",p=AAAA",
        "c=biws,r=" + nonce + ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "r=" + nonce + ",c=biws,p=" + proof,
        "c=biws,r=" + nonce + ",m=x,p=" + proof,
        "c=biws,r=" + nonce + ",p=" + proof + ",x=y",
        "c=biws,r=" + nonce + ",p=" + proof.substr(0, 43),
        "m=x,c=biws,r=" + nonce + ",p=" + proof,
        std::string("c=biws\0,r=", 10) + nonce + ",p=" + proof,
        std::string(100000, 'c'),
    };
    for (const std::string& message : bad) {
        INFO(message.substr(0, 200));
        auto server = server_after_first();
        CHECK(std::holds_alternative<Failed>(server->step(message)));
        CHECK(std::holds_alternative<Failed>(server->step(client_final)));
    }
    auto server = server_after_first();
    CHECK(std::holds_alternative<More>(server->step(client_final)));
    CHECK(std::holds_alternative<Failed>(server->step("x")));
}

TEST_CASE("faults A01: first messages that are not right fail") {
    const std::string bad[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,n=user,r=",
        "n,,n=,r=abc",
        "n,,r=abc,n=user",
        "n,,m=x,n=user,r=abc",
        "n,,n=user,r=abc,m=x",
        "n,,n=us=er,r=abc",
        "n,,n=us=2cer,r=abc",
        "n,,n=user,r=a\x01",
        "n,,n=user,r=a b",
        "n,,n=\xff,r=abc",
        "x,,n=user,r=abc",
        "n,b=x,n=user,r=abc",
        "n,a=,n=user,r=abc",
        "p=,,n=user,r=abc",
        "p=tls exporter,,n=user,r=abc",
        "p=tls-exporter,,n=user,r=abc",
        "n,,n=user,r=" + std::string(1025, 'r'),
        "n,,n=" + std::string(1025, 'u') + ",r=abc",
        std::string("n,,n=us\0er,r=abc", 16),
        std::string(100000, 'n'),
    };
    for (const std::string& message : bad) {
        INFO(message.substr(0, 200));
        CHECK(std::holds_alternative<Failed>(make_scram_server(server_nonce, false, {})->start(message)));
    }
    const Step step = make_scram_server(server_nonce, false, {})->start("y,a=boss=2C=3D,n=u=2Cs=3Der,r=abc,x=ignored");
    REQUIRE(std::holds_alternative<NeedVerifier>(step));
    CHECK(std::get<NeedVerifier>(step).username == "u,s=er");
}

TEST_CASE("RFC 5802 §6, faults A02: channel binding flags") {
    const ChannelBinding binding{"tls-exporter", "0123456789abcdef0123456789abcdef"};
    const auto starts = [&](std::string first, bool plus, const ChannelBinding& with) {
        return std::holds_alternative<NeedVerifier>(make_scram_server(server_nonce, plus, with)->start(first));
    };
    CHECK(starts("y,,n=user,r=abc", false, {}));
    CHECK_FALSE(starts("y,,n=user,r=abc", false, binding)); // -PLUS is offered: the list was tampered with
    CHECK(starts("n,,n=user,r=abc", false, binding));
    CHECK_FALSE(starts("p=tls-exporter,,n=user,r=abc", false, binding));
    CHECK(starts("p=tls-exporter,,n=user,r=abc", true, binding));
    CHECK_FALSE(starts("p=tls-unique,,n=user,r=abc", true, binding));
    CHECK_FALSE(starts("n,,n=user,r=abc", true, binding));
    CHECK(make_server_mechanism("SCRAM-SHA-256-PLUS") == nullptr);
    CHECK(make_server_mechanism("SCRAM-SHA-256-PLUS", binding) != nullptr);
}

TEST_CASE("our client signs in at our server and knows it") {
    for (const std::string_view name : server_mechanisms()) {
        INFO(name);
        auto client = make_client_mechanism(name, {"us,er=x@example.org", "pencil", ""});
        auto server = make_server_mechanism(name);
        const Step step = converse(*client, *server, pencil());
        REQUIRE(std::holds_alternative<Done>(step));
        CHECK(std::get<Done>(step).authcid == "us,er=x@example.org");
        CHECK(client->is_complete());
        CHECK(std::holds_alternative<Failed>(
            converse(*make_client_mechanism(name, {"user", "wrong", ""}), *make_server_mechanism(name), pencil())));
        CHECK(std::holds_alternative<Failed>(converse(*make_client_mechanism(name, {"user", "pencil", ""}),
                                                      *make_server_mechanism(name), fake_verifier("k", "user"))));
    }
    auto client = make_client_mechanism("SCRAM-SHA-256", {"ann", "pencil", "bob"});
    auto server = make_server_mechanism("SCRAM-SHA-256");
    const Step step = converse(*client, *server, pencil());
    REQUIRE(std::holds_alternative<Done>(step));
    CHECK(std::get<Done>(step).authzid == "bob");
}

TEST_CASE("a client believes no server that does not know the password") {
    const std::string bad_first[] = {
        "", "e=other-error", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967295", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
        "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"};
    for (const std::string& message : bad_first) {
        INFO(message);
        auto client = make_client_mechanism("SCRAM-SHA-256", {"user", "pencil", ""}, client_nonce);
        (void)client->initial();
        CHECK_FALSE(client->step(message));
        CHECK_FALSE(client->is_complete());
    }
    for (const std::string message : {"", "v=", "e=invalid-proof", "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}) {
        auto client = make_client_mechanism("SCRAM-SHA-256", {"user", "pencil", ""}, client_nonce);
        (void)client->initial();
        REQUIRE(client->step(server_first));
        CHECK_FALSE(client->step(message));
        CHECK_FALSE(client->is_complete());
    }
}
