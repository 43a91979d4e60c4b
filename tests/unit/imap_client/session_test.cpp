#include "common/async/runtime.hpp"
#include "common/imap_client/session.hpp"
#include "common/net/memory_stream.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::imap_client;

namespace {

Task<void> open_and_ask(Session& session, const OpenOptions& options, const std::string& command, Result<std::vector<Response>>& out) {
    const auto opened = co_await session.open(options);
    if (!opened) {
        out = fail(opened.error());
        co_return;
    }
    out = co_await session.command(command);
}

/// What comes of a server that says `script` whatever it is told.
Result<std::vector<Response>> against(const std::string& script, const std::string& command = "NOOP", TlsMode tls = TlsMode::none,
                                      std::string* said = nullptr, ResponseLimits limits = {}) {
    std::string kept;
    Session session(net::make_script_stream(script, said != nullptr ? said : &kept), std::chrono::seconds(5), limits);
    OpenOptions options;
    options.host = "mail.test";
    options.tls = tls;
    options.user = "ann";
    options.password = Secret("pw \"x\"");
    Result<std::vector<Response>> out;
    async::run_until_done(open_and_ask(session, options, command, out));
    return out;
}

const std::string hello = "* OK ready\r\n* CAPABILITY IMAP4rev1\r\nm1 OK done\r\nm2 OK signed in\r\n* CAPABILITY IMAP4rev1 NAMESPACE\r\nm3 OK done\r\n";

} // namespace

TEST_CASE("imap client: greeting, sign-in and a command") {
    std::string said;
    const auto answer = against(hello + "* LIST () \"/\" INBOX\r\nm4 OK done\r\n", "LIST \"\" *", TlsMode::none, &said);
    REQUIRE(answer);
    CHECK(answer->size() == 2);
    CHECK(said == "m1 CAPABILITY\r\nm2 LOGIN \"ann\" \"pw \\\"x\\\"\"\r\nm3 CAPABILITY\r\nm4 LIST \"\" *\r\n");
}

TEST_CASE("imap client: refusals are told in the server's words") {
    CHECK(against("* OK ready\r\n* CAPABILITY IMAP4rev1\r\nm1 OK done\r\nm2 NO [AUTHENTICATIONFAILED] wrong\r\n").error().code == ErrorCode::unauthorized);
    CHECK(against(hello + "m4 NO no such mailbox\r\n").error().code == ErrorCode::denied);
    CHECK(against(hello + "m4 NO no such mailbox\r\n").error().message.find("no such mailbox") != std::string::npos);
    CHECK(against(hello + "m4 BAD what\r\n").error().code == ErrorCode::invalid);
    CHECK(against("* BYE full\r\n").error().code == ErrorCode::unavailable);
    CHECK(against("* OK ready\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nm1 OK done\r\n").error().code == ErrorCode::unsupported);
}

TEST_CASE("imap client: hostile servers end with an error, not in trouble") {
    ResponseLimits limits;
    limits.line = 1000;
    limits.literal = 1000;
    for (const std::string script : {"", "\r\n", "HTTP/1.1 200 OK\r\n\r\n", "220 mx ESMTP\r\n"})
        CHECK_FALSE(against(script));
    CHECK(against(hello + "* 1 FETCH (BODY[] {99999999999}\r\n", "X", TlsMode::none, nullptr, limits).error().code == ErrorCode::too_large);
    CHECK(against(hello + "* LIST " + std::string(5000, 'x'), "X", TlsMode::none, nullptr, limits).error().code == ErrorCode::too_large);
    CHECK(against(hello + "* 1 FETCH (BODY[] {10}\r\nabc", "X").error().code == ErrorCode::closed);
    std::string endless = hello;
    for (int i = 0; i < 60000; ++i)
        endless += "* 1 EXISTS\r\n";
    CHECK(against(endless, "X").error().code == ErrorCode::too_large);
    // A colour sequence or a line break of the server never reaches a terminal or a log as it is.
    CHECK(against(hello + "m4 NO \x1b[31mred\r\n").error().message.find('\x1b') == std::string::npos);
}

TEST_CASE("imap client: STARTTLS cannot be talked away or filled beforehand (RFC 9051 §6.2.1, §11.1)") {
    CHECK(against("* PREAUTH welcome\r\n", "X", TlsMode::starttls).error().code == ErrorCode::unsupported);
    CHECK(against("* OK ready\r\nm1 NO not here\r\n", "X", TlsMode::starttls).error().code == ErrorCode::denied);
    CHECK(against("* OK ready\r\nm1 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "X", TlsMode::starttls).error().code == ErrorCode::invalid);
}
