#include "maild/imap/proto/append_parser.hpp"
#include "maild/imap/proto/command.hpp"
#include "maild/imap/proto/imap_url.hpp"

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

bool refused(const std::string& wire) { return !why_bad(wire).empty(); }

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
    using Kind = AppendPiece::Kind;
    AppendParser parser;
    std::vector<AppendPiece> pieces;
    Frame frame{"A003 APPEND \"saved messages\" (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {329}\r\n", {}};
    const std::size_t brace = frame.text.find('{');
    frame.literals.push_back({brace, frame.text.size(), 329, false, true});
    REQUIRE(!parser.next(frame, pieces));
    CHECK(parser.mailbox() == "saved messages");
    REQUIRE(pieces.size() == 2);
    CHECK(pieces[0].flags.system == 1);
    CHECK(pieces[0].date->offset_minutes == -420);
    CHECK((pieces[1].kind == Kind::bytes && pieces[1].size == 329));
    auto ended = parser;
    std::vector<AppendPiece> last;
    CHECK(!ended.end(frame, last));
    CHECK((last.size() == 1 && last[0].kind == Kind::end));
    frame.text += " (\\Flagged) {7+}\r\n";
    frame.literals.push_back({frame.text.find('{', brace + 1), frame.text.size(), 7, false, true});
    pieces.clear();
    REQUIRE(!parser.next(frame, pieces));
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0].kind == Kind::end);
    CHECK(pieces[1].flags.system == 4);
    CHECK(pieces[2].size == 7);
    frame.text += " x";
    CHECK(parser.end(frame, pieces));
}

TEST_CASE("RFC 4469 §3: CATENATE is a sequence of texts and URLs") {
    using Kind = AppendPiece::Kind;
    AppendParser parser;
    std::vector<AppendPiece> pieces;
    Frame frame{"A APPEND Drafts (\\Draft) CATENATE (URL \"/INBOX;UID=1\" TEXT {42}\r\n", {}};
    frame.literals.push_back({frame.text.find('{'), frame.text.size(), 42, false, true});
    REQUIRE(!parser.next(frame, pieces));
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0].catenated);
    CHECK((pieces[1].kind == Kind::url && pieces[1].url == "/INBOX;UID=1"));
    CHECK((pieces[2].kind == Kind::bytes && pieces[2].size == 42));
    auto open = parser;
    frame.text += " URL x";
    CHECK(open.end(frame, pieces)); // the parenthesis is missing
    frame.text += ")";
    pieces.clear();
    REQUIRE(!parser.end(frame, pieces));
    CHECK((pieces.size() == 2 && pieces[0].url == "x" && pieces[1].kind == Kind::end));

    const auto whole = body<AppendArguments>("a UID REPLACE 7 Drafts CATENATE (URL a URL b)");
    REQUIRE(whole.replaces);
    CHECK(whole.replaces->number == 7);
    CHECK(whole.pieces.size() == 4);
    CHECK(refused("a APPEND Drafts"));
    CHECK(refused("a APPEND Drafts CATENATE ()"));
    CHECK(refused("a APPEND Drafts CATENATE (TEXT x)"));
    CHECK(refused("a REPLACE 0 Drafts CATENATE (URL a)"));
}

TEST_CASE("RFC 5092 §6: URLs of messages") {
    const auto url = parse_imap_url("/a%20b;UIDVALIDITY=385759043/;UID=20/;SECTION=1.2.MIME/;PARTIAL=10.1024");
    REQUIRE(url);
    CHECK(url->mailbox == "a b");
    CHECK(url->uid_validity == 385759043);
    CHECK(url->uid == 20);
    CHECK(url->section.part == std::vector<std::uint32_t>{1, 2});
    CHECK(url->section.text == SectionText::mime);
    CHECK((url->section.partial->offset == 10 && url->section.partial->count == 1024));
    CHECK(parse_imap_url("/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(DATE%20FROM)")->section.fields.size() == 2);
    CHECK(parse_imap_url(";UID=3")->mailbox.empty());
    for (const char* wrong : {"", "/", "/INBOX", "/INBOX/;UID=0", "/INBOX/;UID=x", "/INBOX/;UID=1/;SECTION=", "/INBOX/;UID=1/x",
                              "imap://host/INBOX/;UID=1", "/IN%00BOX/;UID=1", "/INBOX;UIDVALIDITY=0/;UID=1", "/INBOX/;UID=1/;PARTIAL=1.0",
                              "/INBOX/;UID=1/;SECTION={3}", "/IN%2/;UID=1"})
        CHECK_FALSE(parse_imap_url(wrong));
}

TEST_CASE("RFC 5465 §3.1: NOTIFY names mailboxes by kind and events by group") {
    const auto notify = body<NotifyArguments>("a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (FROM)]) MessageExpunge))"
                                              " (subtree (Lists \"a b\") (MessageNew MessageExpunge MailboxName)) (personal NONE)");
    CHECK(notify.status);
    REQUIRE(notify.groups.size() == 3);
    CHECK(notify.groups[0].fetch.sections.size() == 1);
    CHECK(notify.groups[1].scope.names == std::vector<std::string>{"Lists", "a b"});
    CHECK(notify.groups[2].events == 0);
    CHECK(body<NotifyArguments>("a NOTIFY NONE").groups.empty());
    CHECK(refused("a NOTIFY SET"));
    CHECK(refused("a NOTIFY SET (personal (MessageNew))"));
    CHECK(refused("a NOTIFY SET (personal (FlagChange))"));
    CHECK(refused("a NOTIFY SET (selected (MailboxName))"));
    CHECK(refused("a NOTIFY SET (personal (MessageNew (UID) MessageExpunge))"));
    CHECK(refused("a NOTIFY SET (elsewhere (MessageNew MessageExpunge))"));
}

TEST_CASE("RFC 7377 §2.2: ESEARCH names its mailboxes") {
    const auto search = body<SearchArguments>("a ESEARCH IN (mailboxes \"folder1\" subtree-one x personal) RETURN (COUNT) UNSEEN");
    CHECK(search.scopes.size() == 3);
    CHECK(search.return_count);
    CHECK(body<SearchArguments>("a ESEARCH UNSEEN").scopes.empty());
    CHECK(refused("a ESEARCH IN () UNSEEN"));
    CHECK(refused("a ESEARCH IN (selected-delayed) UNSEEN"));
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
