#include "maild/imap/proto/append_parser.hpp"
#include "maild/imap/proto/command.hpp"

#include "tests/catch.hpp"

#include <vector>

using namespace mail;
using namespace mail::imap;

namespace {

Frame frame_of(std::string wire) {
    Framer framer(FramerLimits::after_sign_in());
    wire += "\r\n";
    std::string_view rest = wire;
    while (true) {
        const auto event = framer.feed(rest);
        rest.remove_prefix(event.consumed);
        if (event.step == Framer::Step::frame)
            return framer.frame();
        if (event.step != Framer::Step::continuation)
            return {};
    }
}

Command good(const std::string& wire) {
    auto outcome = parse(frame_of(wire));
    INFO(wire);
    if (auto* bad = std::get_if<BadCommand>(&outcome))
        FAIL(bad->reason << " at " << bad->offset);
    return std::get<Command>(std::move(outcome));
}

template <class T> T body(const std::string& wire) { return std::get<T>(good(wire).body); }

std::string why_bad(const std::string& wire) {
    auto outcome = parse(frame_of(wire));
    const auto* bad = std::get_if<BadCommand>(&outcome);
    return bad == nullptr ? "" : bad->reason;
}

} // namespace

TEST_CASE("RFC 9051 §6: examples of every command parse") {
    for (const auto* wire : {
             "abcd CAPABILITY", "a002 NOOP", "A023 LOGOUT", "a001 STARTTLS", "a001 AUTHENTICATE GSSAPI",
             "A01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=", "a AUTHENTICATE EXTERNAL =", "a001 LOGIN SMITH SESAME",
             "t1 ENABLE CONDSTORE", "A142 SELECT INBOX", "A932 EXAMINE blurdybloop", "A003 CREATE owatagusiam/",
             "A683 DELETE blurdybloop", "A682 RENAME blurdybloop sarasoop", "A002 SUBSCRIBE #news.comp.mail.mime",
             "A002 UNSUBSCRIBE x", "A101 LIST \"\" \"\"", "A103 LIST /usr/staff/jones \"\"", "A202 LIST ~/Mail/ %",
             "A01 LIST (SUBSCRIBED) \"\" \"*\" RETURN (CHILDREN)",
             "BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\") RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)",
             "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"", "a LSUB \"\" \"*\"", "A001 NAMESPACE",
             "A042 STATUS blurdybloop (UIDNEXT MESSAGES)", "A002 IDLE", "a CHECK", "A341 CLOSE", "a UNSELECT", "A202 EXPUNGE",
             "A303 UID EXPUNGE 3000:3002", "A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
             "A999 UID FETCH 4827313:4828442 FLAGS", "A003 STORE 2:4 +FLAGS (\\Deleted)", "a UID STORE 1 FLAGS \\Seen $x",
             "A003 COPY 2:4 MEETING", "a UID MOVE 42:69 foo", "a ID NIL", "a023 ID (\"name\" \"sodr\" \"version\" NIL)",
             "A1 CREATE MyDrafts (USE (\\Drafts))", "A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
             "a SELECT x (QRESYNC (67890007 90060115194045000 41:211,214:541 (5000,7500 15000,22500)) CONDSTORE)"})
        good(wire);
}

TEST_CASE("Hostile and malformed commands are BAD") {
    for (const auto* wire : {
             "", "a", "a ", "+ NOOP", "* NOOP", "a  NOOP", "a NOOP x", "a NOOP ", "a BOGUS", "a UID NOOP", "a UID", "a LOGIN x",
             "a LOGIN x y z", "a LOGIN \"x y", "a LOGIN \"x\\y\" z", "a SELECT", "a SELECT \"\xFF", "a SELECT x (FOO)",
             "a LIST \"\"", "a LIST (BOGUS) \"\" *", "a LIST (RECURSIVEMATCH) \"\" *", "a STATUS x", "a STATUS x (BOGUS)",
             "a FETCH 1", "a FETCH 0 FLAGS", "a FETCH 1 (FLAGS", "a FETCH 1 ()", "a FETCH 1 (ALL)", "a FETCH 1 BODY[0]",
             "a FETCH 1 BODY[1.]", "a FETCH 1 BODY[MIME]", "a FETCH 1 BODY[]<0>", "a FETCH 1 BODY[]<0.0>",
             "a FETCH 1 BODY[]<-1.5>", "a FETCH 1 BODY[99999999999]", "a FETCH 1 BODY[HEADER.FIELDS ()]",
             "a FETCH 1 BODY[]<9223372036854775808.1>", "a FETCH 1 FLAGS (VANISHED)", "a STORE 1 FLAGS",
             "a STORE 1 FLAGS (\\Bogus)", "a STORE 1 FLAGS (a", "a STORE x FLAGS (a)", "a COPY 1", "a EXPUNGE 1", "a UID EXPUNGE",
             "a SEARCH", "a SEARCH BOGUS", "a SEARCH ON 31-Foo-2020", "a SEARCH (", "a SEARCH NOT", "a SEARCH OR ALL",
             "a SEARCH ALL)", "a SEARCH RETURN (BOGUS) ALL", "a X {-1}", "a X {}", "a LOGIN {1x} y", "a LOGIN {+} x",
             "a ENABLE", "a IDLE x", "a CREATE x (USE)", "a ID (\"a\")", "a APPEND x", "a APPEND x \"y\""}) {
        INFO(wire);
        CHECK(!why_bad(wire).empty());
    }
}

TEST_CASE("Literals stand for strings") {
    const auto login = body<LoginArguments>("a LOGIN {3}\r\nann {8+}\r\nse\"s a\\m");
    CHECK(login.user == "ann");
    CHECK(login.password.reveal() == "se\"s a\\m");
    CHECK(body<MailboxArguments>("a CREATE {4}\r\na\r\nb").mailbox == "a\r\nb");
    CHECK(!why_bad(std::string("a CREATE {3}\r\na\0b", 17)).empty());
    CHECK(!why_bad("a CREATE ~{3}\r\nabc").empty());
    CHECK(!why_bad("a CREATE x{3}\r\nabc").empty());
}

TEST_CASE("FETCH items") {
    auto items = body<FetchArguments>("a FETCH 1:* (FLAGS UID RFC822.SIZE BODY.PEEK[1.2.MIME]<10.20> BODY[] MODSEQ)").items;
    CHECK(items.has(FetchAttribute::flags));
    CHECK(items.has(FetchAttribute::uid));
    CHECK(items.has(FetchAttribute::size));
    CHECK(items.has(FetchAttribute::modseq));
    CHECK(!items.has(FetchAttribute::body));
    REQUIRE(items.sections.size() == 2);
    CHECK(items.sections[0].part == std::vector<std::uint32_t>{1, 2});
    CHECK(items.sections[0].text == SectionText::mime);
    CHECK(items.sections[0].peek);
    CHECK(items.sections[0].partial->offset == 10);
    CHECK(items.sections[0].partial->count == 20);
    CHECK(items.sets_seen());

    items = body<FetchArguments>("a FETCH 1 FULL").items;
    CHECK(items.has(FetchAttribute::body));
    CHECK(items.has(FetchAttribute::envelope));
    items = body<FetchArguments>("a FETCH 1 BODY").items;
    CHECK(items.has(FetchAttribute::body));
    items = body<FetchArguments>("a FETCH 1 (RFC822.HEADER BODY.PEEK[HEADER.FIELDS.NOT (\"Subject\" To)])").items;
    REQUIRE(items.sections.size() == 2);
    CHECK(items.sections[1].fields == std::vector<std::string>{"Subject", "To"});
    CHECK(items.sections[1].fields_inverted);
    CHECK(!items.sets_seen());
    items = body<FetchArguments>("a FETCH 1 (BINARY.SIZE[1] BINARY[2]<0.5> PREVIEW (LAZY) EMAILID)").items;
    CHECK(items.sections[0].form == FetchSection::Form::binary_size);
    CHECK(items.has(FetchAttribute::preview));

    const auto changed = body<FetchArguments>("s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
    CHECK(changed.changed_since == 12345);
    CHECK(changed.vanished);
}

TEST_CASE("STORE") {
    auto store = body<StoreArguments>("a STORE 1,3:5 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\Deleted $x $X)");
    CHECK(store.unchanged_since == 320162338);
    CHECK(store.silent);
    CHECK(store.how == StoreArguments::How::add);
    CHECK(store.flags.system == 8);
    CHECK(store.flags.keywords == std::vector<std::string>{"$x"});
    store = body<StoreArguments>("a STORE 1 FLAGS ()");
    CHECK(store.how == StoreArguments::How::replace);
    CHECK(store.flags.system == 0);
}

TEST_CASE("RFC 3502 §6.3.11: APPEND with several messages streams") {
    AppendParser parser;
    AppendMessage message;
    Frame frame{"A003 APPEND \"saved messages\" (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {329}\r\n", {}};
    const std::size_t brace = frame.text.find('{');
    frame.literals.push_back({brace, frame.text.size(), 329, false, true});
    REQUIRE(!parser.next(frame, message));
    CHECK(parser.mailbox() == "saved messages");
    CHECK(message.flags.system == 1);
    CHECK(message.date->offset_minutes == -420);
    CHECK(message.size == 329);
    CHECK(!parser.end(frame));
    frame.text += " (\\Flagged) {7+}\r\n";
    frame.literals.push_back({frame.text.find('{', brace + 1), frame.text.size(), 7, false, true});
    message = {};
    REQUIRE(!parser.next(frame, message));
    CHECK(message.flags.system == 4);
    CHECK(message.size == 7);
    frame.text += " x";
    CHECK(parser.end(frame));
}

TEST_CASE("LIST, STATUS and SELECT arguments") {
    const auto list = body<ListArguments>("a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% \"a b\") RETURN (CHILDREN STATUS (SIZE))");
    CHECK(list.extended);
    CHECK(list.select_recursive);
    CHECK(list.return_children);
    CHECK(list.patterns == std::vector<std::string>{"%", "a b"});
    CHECK(list.return_status == static_cast<std::uint16_t>(StatusItem::size));
    CHECK(!body<ListArguments>("a LIST \"\" *").extended);
    const auto select = body<SelectArguments>("a SELECT x (QRESYNC (1 2 3:4 (5 6)))");
    CHECK(select.resync->sequence_match.has_value());
}
