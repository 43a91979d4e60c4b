#include "tests/unit/imap/world.hpp"

#include "tests/catch.hpp"

using namespace mail;
using namespace mail::imap;
using namespace mail::imap::test;
using Catch::Contains;

namespace {

const std::string plain = "From: Ann Lee <ann@example.test>\r\nTo: bob@example.test\r\nSubject: =?utf-8?q?m=C3=A4ssage?=\r\n"
                          "Date: Mon, 05 Feb 2024 10:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n\r\nhello w\xC3\xB6rld\r\n";
const std::string mixed =
    "From: Bob <bob@example.test>\r\nTo: ann@example.test\r\nSubject: parts\r\nDate: Tue, 06 Feb 2024 10:00:00 +0000\r\n"
    "Message-ID: <2@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: text/plain\r\n\r\nfirst part\r\n--b\r\nContent-Type: application/octet-stream; name=x.bin\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--b--\r\n";

std::string with_two(const std::string& rest) {
    return append("a1", "INBOX (\\Seen)", plain) + append("a2", "INBOX", mixed) + "a3 SELECT INBOX\r\n" + rest;
}

// What followed the answer to SELECT.
std::string after_select(const std::string& output) {
    const auto at = output.find("a3 OK");
    return at == std::string::npos ? "no select: " + output : output.substr(output.find('\n', at) + 1);
}

} // namespace

TEST_CASE("Greeting, CAPABILITY, NOOP, LOGOUT") {
    World world;
    REQUIRE(world.problem.empty());
    const auto out = world.talk("a CAPABILITY\r\nb NOOP\r\nc LOGOUT\r\nd NOOP\r\n");
    CHECK_THAT(out, Catch::StartsWith("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 "));
    CHECK_THAT(out, Contains("AUTH=PLAIN"));
    CHECK_THAT(out, Contains("\r\na OK "));
    CHECK_THAT(out, Contains("* BYE ") && Contains("c OK LOGOUT completed\r\n"));
    CHECK_THAT(out, !Contains("\r\nd "));
}

TEST_CASE("RFC 9051 §6.2.3, I11: no password in plain text unless the listener says so") {
    World world;
    const auto out = world.talk("a LOGIN ann@example.test sesam\r\nb AUTHENTICATE PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VzYW0=\r\n", false);
    CHECK_THAT(out, Contains("LOGINDISABLED") && !Contains("AUTH=PLAIN"));
    CHECK_THAT(out, Contains("a NO [PRIVACYREQUIRED]") && Contains("b NO "));
}

TEST_CASE("Sign-in by LOGIN and AUTHENTICATE") {
    World world;
    CHECK_THAT(world.talk("a LOGIN ann@example.test sesam\r\n"), Contains("a OK [CAPABILITY ") && Contains("LITERAL+"));
    CHECK_THAT(world.talk("a LOGIN {16}\r\nann@example.test \"sesam\"\r\n"), Contains("+ go on\r\n") && Contains("a OK"));
    CHECK_THAT(world.talk("a LOGIN ann@example.test wrong\r\nb NOOP\r\n"), Contains("a NO [AUTHENTICATIONFAILED]"));
    CHECK_THAT(world.talk("a LOGIN nobody@example.test x\r\n"), Contains("a NO [AUTHENTICATIONFAILED]"));
    CHECK_THAT(world.talk("a AUTHENTICATE PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VzYW0=\r\n"), Contains("a OK "));
    CHECK_THAT(world.talk("a AUTHENTICATE PLAIN\r\nAGFubkBleGFtcGxlLnRlc3QAc2VzYW0=\r\n"), Contains("+ \r\na OK "));
    CHECK_THAT(world.talk("a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n"), Contains("a BAD") && Contains("b OK"));
    CHECK_THAT(world.talk("a AUTHENTICATE BOGUS\r\n"), Contains("a NO "));
    const std::string wrong = "a LOGIN ann@example.test x\r\n";
    CHECK_THAT(world.talk(wrong + wrong + wrong + wrong + wrong), Contains("* BYE "));
}

TEST_CASE("In overload the first error ends a session that has not signed in, and no other") {
    World world;
    bool busy = true;
    const auto talk = [&](std::string input) {
        Profile profile = world.profile();
        profile.is_overloaded = [&busy] { return busy; };
        std::string output;
        async::run_until_done(serve(world.services(), std::move(profile), net::make_script_stream(std::move(input), &output, {}), "s1"));
        return output;
    };
    const std::string sign_in = "a LOGIN ann@example.test sesam\r\n", errors = "b BOGUS\r\nc NOOP\r\n";
    CHECK_THAT(talk(errors), Contains("b BAD ") && Contains("* BYE ") && !Contains("c OK"));
    CHECK_THAT(talk(sign_in + errors), Contains("b BAD ") && !Contains("* BYE ") && Contains("c OK"));
    busy = false;
    CHECK_THAT(talk(errors), Contains("b BAD ") && !Contains("* BYE ") && Contains("c OK"));
}

TEST_CASE("I31: nothing before sign-in") {
    World world;
    for (const auto* command : {"SELECT INBOX", "FETCH 1 FLAGS", "IDLE", "LIST \"\" *", "STATUS INBOX (MESSAGES)", "ENABLE CONDSTORE",
                                "APPEND INBOX {3+}\r\nabc"}) {
        INFO(command);
        CHECK_THAT(world.talk("a " + std::string(command) + "\r\nb NOOP\r\n"), Contains("a BAD ") && Contains("b OK"));
    }
}

TEST_CASE("SELECT, FETCH, STORE, SEARCH, EXPUNGE in one go") {
    World world;
    const auto out = world.as_ann(with_two("b FETCH 1:2 (FLAGS UID RFC822.SIZE)\r\nc STORE 1 +FLAGS (\\Deleted $Work)\r\n"
                                           "d SEARCH UNSEEN\r\ne EXPUNGE\r\nf FETCH 1 FLAGS\r\ng FETCH 2 FLAGS\r\nh CLOSE\r\n"));
    CHECK_THAT(out, Contains("a1 OK [APPENDUID "));
    CHECK_THAT(out, Contains("* 2 EXISTS\r\n") && Contains("[UIDVALIDITY ") && Contains("[UIDNEXT 3]") && Contains("a3 OK [READ-WRITE]"));
    CHECK_THAT(out, Contains("* 1 FETCH (UID 1 FLAGS (\\Seen) RFC822.SIZE " + std::to_string(plain.size()) + ")\r\n"));
    CHECK_THAT(out, Contains("* 1 FETCH (UID 1 FLAGS (\\Seen \\Deleted $Work))\r\nc OK"));
    CHECK_THAT(out, Contains("* SEARCH 2\r\nd OK"));
    CHECK_THAT(out, Contains("* 1 EXPUNGE\r\ne OK"));
    CHECK_THAT(out, Contains("* 1 FETCH (FLAGS ())\r\nf OK"));
    CHECK_THAT(out, Contains("g BAD "));
    CHECK_THAT(out, Contains("h OK"));
}

TEST_CASE("RFC 9051 §6.4.5: sections") {
    World world;
    const auto fetch = [&](const std::string& items) {
        World fresh;
        return after_select(fresh.as_ann(with_two("b FETCH " + items + "\r\n")));
    };
    CHECK_THAT(fetch("1 BODY.PEEK[]"), Catch::StartsWith("* 1 FETCH (BODY[] {" + std::to_string(plain.size()) + "}\r\n" + plain + ")\r\n"));
    CHECK_THAT(fetch("2 (BODY.PEEK[]<5.10>)"), Catch::StartsWith("* 2 FETCH (BODY[]<5> {10}\r\n" + mixed.substr(5, 10) + ")\r\n"));
    CHECK_THAT(fetch("2 BODY.PEEK[]<100000.5>"), Contains("BODY[]<100000> {0}\r\n)"));
    CHECK_THAT(fetch("2 BODY.PEEK[1]"), Contains("BODY[1] {10}\r\nfirst part)"));
    CHECK_THAT(fetch("2 BODY.PEEK[2.MIME]"), Contains("BODY[2.MIME] {") && Contains("name=x.bin"));
    CHECK_THAT(fetch("2 BODY.PEEK[9]"), Contains("BODY[9] NIL)"));
    CHECK_THAT(fetch("1 BODY.PEEK[HEADER.FIELDS (SUBJECT \"X Y\")]"),
               Contains("BODY[HEADER.FIELDS (SUBJECT \"X Y\")] {37}\r\nSubject: =?utf-8?q?m=C3=A4ssage?=\r\n\r\n)"));
    CHECK_THAT(fetch("1 BODY.PEEK[HEADER.FIELDS.NOT (Subject From To Date)]"), Contains("{32}\r\nMessage-ID: <1@example.test>\r\n\r\n)"));
    CHECK_THAT(fetch("1 BODY.PEEK[TEXT]"), Contains("{14}\r\nhello w\xC3\xB6rld\r\n)"));
    CHECK_THAT(fetch("1 RFC822.HEADER"), Contains("RFC822.HEADER {"));
    CHECK_THAT(fetch("2 (BINARY.SIZE[2] BINARY.PEEK[2])"), Contains("BINARY.SIZE[2] 4 BINARY[2] ~{4}\r\n") && Contains(std::string("\0\1\2\3)", 5)));
    CHECK_THAT(fetch("2 (ENVELOPE BODYSTRUCTURE)"), Contains("ENVELOPE (\"Tue, 06 Feb 2024 10:00:00 +0000\" \"parts\"") && Contains("\"octet-stream\""));
    CHECK_THAT(fetch("1 (PREVIEW EMAILID THREADID)"), Contains("PREVIEW ") && Contains("EMAILID (M") && Contains("THREADID NIL"));
    CHECK_THAT(fetch("2 BODY[1]"), Contains("* 2 FETCH (FLAGS (\\Seen) BODY[1] {10}"));
    CHECK_THAT(fetch("1:2 BODY.PEEK[1.1.1.1]"), Contains("b OK"));
}

TEST_CASE("RFC 9051 §6.4.4: SEARCH") {
    World world;
    const auto search = [&](const std::string& keys) {
        World fresh;
        auto out = after_select(fresh.as_ann(with_two("b " + keys + "\r\n")));
        return out.substr(0, out.find('\r'));
    };
    CHECK(search("SEARCH CHARSET UTF-8 SUBJECT \"M\xC3\x84SSAGE\"") == "* SEARCH 1");
    CHECK(search("SEARCH BODY \"W\xC3\xB6RLD\"") == "* SEARCH 1");
    CHECK(search("SEARCH TEXT octet-stream") == "* SEARCH 2");
    CHECK(search("SEARCH TEXT example.test") == "* SEARCH 1 2");
    CHECK(search("SEARCH SENTSINCE 06-Feb-2024") == "* SEARCH 2");
    CHECK(search("SEARCH SENTON 5-Feb-2024") == "* SEARCH 1");
    CHECK(search("SEARCH OR FROM \"Ann Lee\" HEADER Message-ID 2@") == "* SEARCH 1 2");
    CHECK(search("SEARCH NOT FROM ann@example.test") == "* SEARCH 2");
    CHECK(search("SEARCH HEADER MIME-Version \"\"") == "* SEARCH 2");
    CHECK(search("SEARCH BODY AAECAw") == "* SEARCH");
    CHECK(search("SEARCH SEEN LARGER 10 2,1") == "* SEARCH 1");
    CHECK(search("UID SEARCH RETURN (MIN MAX COUNT ALL) ALL") == "* ESEARCH (TAG \"b\") UID MIN 1 MAX 2 ALL 1:2 COUNT 2");
    CHECK(search("SEARCH RETURN () FROM nobody") == "* ESEARCH (TAG \"b\")");
    CHECK(search("SEARCH CHARSET X-UNKNOWN SUBJECT a") == "b NO [BADCHARSET (US-ASCII UTF-8)] this charset is not known");
    CHECK(search("SEARCH YOUNGER 3600 UNSEEN") == "* SEARCH 2");
    CHECK(search("SEARCH 5:*") == "* SEARCH 2");
    std::string many = "SEARCH";
    for (int i = 0; i < 51; ++i)
        many += " TEXT a";
    CHECK_THAT(search(many), Catch::StartsWith("b NO [LIMIT]"));
    const auto saved = after_select(world.as_ann(with_two("b UID SEARCH RETURN (SAVE) UNSEEN\r\nc FETCH $ UID\r\n")));
    CHECK_THAT(saved, Catch::StartsWith("b OK") && Contains("* 2 FETCH (UID 2)\r\nc OK"));
}

TEST_CASE("RFC 5256: SORT and THREAD") {
    World world;
    const auto out = after_select(world.as_ann(
        with_two("b SORT (REVERSE DATE) UTF-8 ALL\r\nc UID SORT (SUBJECT) US-ASCII ALL\r\nd SORT RETURN (COUNT MIN) (REVERSE SIZE FROM) UTF-8 ALL\r\n"
                 "e THREAD REFERENCES UTF-8 ALL\r\nf UID THREAD ORDEREDSUBJECT UTF-8 UNSEEN\r\ng SORT (BOGUS) UTF-8 ALL\r\n"
                 "h SORT (DATE) X-NONE SUBJECT x\r\ni THREAD REFERENCES UTF-8 SUBJECT nothing\r\n")));
    CHECK_THAT(out, Contains("* SORT 2 1\r\nb OK") && Contains("* SORT 1 2\r\nc OK"));
    CHECK_THAT(out, Contains("* ESEARCH (TAG \"d\") MIN 2 COUNT 2\r\nd OK"));
    CHECK_THAT(out, Contains("* THREAD (1)(2)\r\ne OK") && Contains("* THREAD (2)\r\nf OK") && Contains("* THREAD\r\ni OK"));
    CHECK_THAT(out, Contains("g BAD") && Contains("h NO [BADCHARSET"));
}

TEST_CASE("COPY, MOVE and their COPYUID") {
    World world;
    const auto out = after_select(world.as_ann(with_two(
        "b CREATE Work/2024\r\nc COPY 1:2 Work/2024\r\nd UID MOVE 1 Work/2024\r\ne COPY 1 Nowhere\r\nf STATUS Work/2024 (MESSAGES UNSEEN SIZE)\r\n"
        "g SEARCH ALL\r\n")));
    CHECK_THAT(out, Contains("c OK [COPYUID ") && Contains(" 1:2 1:2] COPY completed"));
    CHECK_THAT(out, Contains("* OK [COPYUID ") && Contains("* 1 EXPUNGE\r\nd OK"));
    CHECK_THAT(out, Contains("e NO [TRYCREATE]"));
    CHECK_THAT(out, Contains("* STATUS Work/2024 (MESSAGES 3 UNSEEN 1 SIZE "));
    CHECK_THAT(out, Contains("* SEARCH 1\r\ng OK"));
}

TEST_CASE("LIST, LSUB, SPECIAL-USE, NAMESPACE, modified UTF-7") {
    World world;
    const auto out = world.as_ann("a CREATE &ZeVnLIqe-\r\nb CREATE x/y\r\nc SUBSCRIBE x/y\r\nd LIST \"\" *\r\ne LIST \"\" x/%\r\n"
                                  "f LSUB \"\" %\r\ng LIST \"\" \"\"\r\nh LIST (SPECIAL-USE) \"\" * RETURN (STATUS (MESSAGES))\r\n"
                                  "i LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %\r\nj NAMESPACE\r\nk DELETE &ZeVnLIqe-\r\nl DELETE INBOX\r\n"
                                  "m ENABLE IMAP4rev2\r\nn CREATE \"caf\xC3\xA9\"\r\no LIST \"\" c*\r\np CREATE y (USE (\\Archive))\r\n"
                                  "q CREATE \"bad*name\"\r\nr CREATE z (USE (\\Bogus))\r\n");
    CHECK_THAT(out, Contains("* LIST (\\HasNoChildren) \"/\" &ZeVnLIqe-\r\n"));
    CHECK_THAT(out, Contains("* LIST (\\HasNoChildren) \"/\" INBOX\r\n") && Contains("\\Sent") && Contains("\\Trash"));
    CHECK_THAT(out, Contains("* LIST (\\HasChildren) \"/\" x\r\n") && Contains("* LIST (\\HasNoChildren) \"/\" x/y\r\n"));
    CHECK_THAT(out, Contains("* LSUB (\\Noselect) \"/\" x\r\n"));
    CHECK_THAT(out, Contains("* LIST (\\Noselect) \"/\" \"\"\r\n"));
    CHECK_THAT(out, Contains("* STATUS Drafts (MESSAGES 0)\r\n"));
    CHECK_THAT(out, Contains("\"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"));
    CHECK_THAT(out, Contains("* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Public/\" \"/\"))\r\n"));
    CHECK_THAT(out, Contains("k OK") && Contains("l NO") && Contains("q NO") && Contains("r NO [USEATTR]"));
    CHECK_THAT(out, Contains("* LIST (\\HasNoChildren) \"/\" \"caf\xC3\xA9\"\r\n"));
}

TEST_CASE("CONDSTORE and QRESYNC") {
    World world;
    const auto out = after_select(world.as_ann(with_two(
        "b ENABLE QRESYNC\r\nc FETCH 1 (MODSEQ)\r\nd STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)\r\ne STORE 2 +FLAGS.SILENT (\\Deleted)\r\n"
        "f UID FETCH 1:* FLAGS (CHANGEDSINCE 1)\r\ng EXPUNGE\r\nh SEARCH MODSEQ 1\r\ni UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)\r\n"
        "j SELECT INBOX (QRESYNC (1 1))\r\n")));
    CHECK_THAT(out, Contains("* ENABLED QRESYNC\r\n"));
    CHECK_THAT(out, Contains("* 1 FETCH (MODSEQ ("));
    CHECK_THAT(out, Contains("d OK [MODIFIED 1]"));
    CHECK_THAT(out, Contains("* 2 FETCH (UID 2 MODSEQ ("));
    CHECK_THAT(out, Contains("* VANISHED 2\r\ng OK [HIGHESTMODSEQ "));
    CHECK_THAT(out, Contains("* SEARCH 1 (MODSEQ "));
    CHECK_THAT(out, Contains("* VANISHED (EARLIER) 2\r\n"));
    CHECK_THAT(out, Contains("* OK [CLOSED]") && Contains("j OK"));
}

TEST_CASE("APPEND: refusals before the bytes, several messages, large ones") {
    World world;
    CHECK_THAT(world.as_ann("a APPEND Nowhere {5}\r\nb NOOP\r\n"), Contains("a NO [TRYCREATE]") && Contains("b OK"));
    CHECK_THAT(world.as_ann("a APPEND INBOX {107374182400}\r\nb NOOP\r\n"), Contains("a NO [TOOBIG]") && Contains("b OK"));
    CHECK_THAT(world.as_ann("a APPEND INBOX {107374182400+}\r\nb NOOP\r\n"), Contains("a NO [TOOBIG]") && Contains("* BYE"));
    CHECK_THAT(world.as_ann(append("a", "Nowhere", plain) + "b NOOP\r\n"), Contains("a NO [TRYCREATE]") && Contains("b OK"));
    CHECK_THAT(world.as_ann("a APPEND INBOX (\\Bogus) {5}\r\nb NOOP\r\n"), Contains("a BAD") && Contains("b OK"));
    CHECK_THAT(world.as_ann("a APPEND INBOX {5+}\r\nhello {3+}\r\nabc\r\nb STATUS INBOX (MESSAGES)\r\n"),
               Contains("a OK [APPENDUID ") && Contains(" 1:2]") && Contains("MESSAGES 2"));
    CHECK_THAT(world.as_ann("a APPEND INBOX {5+}\r\nhello x\r\nb STATUS INBOX (MESSAGES)\r\n"), Contains("a BAD") && Contains("MESSAGES 2"));
    CHECK_THAT(world.as_ann(append("a", "INBOX", std::string("a\0b", 3)) + "b NOOP\r\n"), Contains("a BAD") && Contains("b OK"));
    // I15: cut half-way
    CHECK_THAT(world.as_ann("a APPEND INBOX {5000+}\r\nhello"), !Contains("a "));
    CHECK_THAT(world.as_ann("b STATUS INBOX (MESSAGES)\r\n"), Contains("MESSAGES 2"));
    const std::string large = "Subject: large\r\n\r\n" + std::string(3000000, 'x') + "\r\n";
    const auto out = world.as_ann(append("a", "INBOX", large) + "b SELECT INBOX\r\nc FETCH 3 (RFC822.SIZE BODY.PEEK[TEXT]<2999999.9> BODY.PEEK[])\r\n");
    CHECK_THAT(out, Contains("a OK [APPENDUID "));
    CHECK_THAT(out, Contains("BODY[TEXT]<2999999> {3}\r\nx\r\n BODY[] {" + std::to_string(large.size()) + "}\r\n"));
    CHECK(out.find(large) != std::string::npos);
}

TEST_CASE("Every chunking of the input gives the same answers") {
    const std::string input = "0 LOGIN ann@example.test sesam\r\n" + with_two("b FETCH 1:* (UID BODY[1])\r\nc IDLE\r\nDONE\r\nd LOGOUT\r\n");
    std::string whole;
    for (std::size_t size : {100000U, 1U, 7U, 64U}) {
        World world;
        auto out = world.talk(input, true, [size] { return size; });
        // UIDVALIDITY and ids differ from store to store.
        out.erase(0, out.find("* 1 FETCH"));
        if (whole.empty())
            whole = out;
        CHECK(out == whole);
    }
    CHECK_THAT(whole, Contains("+ idling\r\nc OK") && Contains("d OK"));
}

TEST_CASE("I20, I30: floods of commands and of errors") {
    World world;
    std::string flood;
    for (int i = 0; i < 20000; ++i)
        flood += "a NOOP\r\n";
    const auto out = world.as_ann(flood);
    CHECK(out.size() == 20000 * std::string("a OK completed\r\n").size());
    std::string errors;
    for (int i = 0; i < 50; ++i)
        errors += "a BOGUS\r\n";
    CHECK_THAT(world.as_ann(errors + "b NOOP\r\n"), Contains("* BYE ") && !Contains("b OK"));
}

TEST_CASE("I10: commands sent ahead of STARTTLS are never answered") {
    World world;
    Profile profile = world.profile();
    profile.offer_starttls = true;
    auto tls = net::TlsServer::create();
    REQUIRE(tls);
    profile.tls = std::move(*tls);
    std::string output;
    async::run_until_done(serve(world.services(), profile, net::make_script_stream("a STARTTLS\r\nb LOGIN ann@example.test sesam\r\n", &output), "s"));
    CHECK_THAT(output, Contains("STARTTLS") && Contains("* BYE") && !Contains("a OK") && !Contains("b "));
}

namespace {

// Reads from the client's end until `wanted` has come.
Task<std::string> read_until(net::Stream& stream, std::string_view wanted) {
    std::string got;
    std::string buffer(4096, '\0');
    while (got.find(wanted) == std::string::npos) {
        const auto bytes = co_await stream.read_some(buffer);
        if (!bytes || *bytes == 0)
            break;
        got.append(buffer, 0, *bytes);
    }
    co_return got;
}

Task<void> idle_client(World& world, std::string& seen) {
    auto [server, client] = net::make_memory_pair();
    const auto executor = co_await boost::asio::this_coro::executor;
    world.tasks.spawn(executor, serve(world.services(), world.profile(), std::move(server), "s1"));
    const auto written = co_await client->write("a LOGIN ann@example.test sesam\r\nb SELECT INBOX\r\nc IDLE\r\n");
    static_cast<void>(written);
    seen += co_await read_until(*client, "+ idling\r\n");
    auto [server2, client2] = net::make_memory_pair();
    world.tasks.spawn(executor, serve(world.services(), world.profile(), std::move(server2), "s2"));
    const auto sent = co_await client2->write("a LOGIN ann@example.test sesam\r\n" + append("b", "INBOX", plain) + "c LOGOUT\r\n");
    static_cast<void>(sent);
    seen += co_await read_until(*client2, "c OK");
    seen += co_await read_until(*client, "EXISTS");
    const auto done = co_await client->write("DONE\r\nd LOGOUT\r\n");
    static_cast<void>(done);
    seen += co_await read_until(*client, "d OK");
}

} // namespace

TEST_CASE("RFC 9051 §6.3.13: IDLE tells what another session appended") {
    World world;
    std::string seen;
    async::run_until_done(idle_client(world, seen));
    CHECK_THAT(seen, Contains("* 1 EXISTS\r\n") && Contains("c OK IDLE completed") && Contains("d OK"));
}
