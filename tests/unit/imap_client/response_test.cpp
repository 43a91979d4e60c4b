#include "common/imap_client/response.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::imap_client;

namespace {
Response parsed(std::string_view bytes) {
    ResponseFramer framer;
    const auto end = framer.find_end(bytes);
    REQUIRE(end);
    REQUIRE(*end == bytes.size());
    auto response = parse_response(bytes);
    REQUIRE(response);
    return *response;
}
} // namespace

TEST_CASE("responses: status, codes and text (RFC 9051 §7.1)") {
    const auto ok = parsed("* OK [UIDVALIDITY 3857529045] UIDs valid {5}\r\n");
    CHECK(ok.is("OK"));
    CHECK(ok.code_argument("uidvalidity") == "3857529045");
    CHECK_FALSE(ok.code_argument("UIDNEXT"));
    CHECK(ok.text == "UIDs valid {5}");
    const auto done = parsed("m7 NO [AUTHENTICATIONFAILED] no\r\n");
    CHECK(done.kind == Response::Kind::tagged);
    CHECK(done.tag == "m7");
    CHECK(parsed("+ go on {3}\r\n").kind == Response::Kind::continuation);
    CHECK(parsed("+\r\n").text.empty());
    CHECK(parsed("* BYE\n").is("BYE"));
}

TEST_CASE("responses: data (RFC 9051 §7.2 to §7.5)") {
    const auto list = parsed("* LIST (\\Noselect \\HasChildren) \"/\" \"a \\\"b\\\\\"\r\n");
    REQUIRE(list.values.size() == 3);
    CHECK(list.values[0].items[1].text == "\\HasChildren");
    CHECK(list.values[2].text == "a \"b\\");
    CHECK(parsed("* LIST () NIL INBOX\r\n").values[1].kind == Value::Kind::nil);
    CHECK(parsed("* 23 EXISTS\r\n").number == 23U);
    const auto fetch = parsed("* 12 FETCH (UID 7 FLAGS (\\Seen $x) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[HEADER.FIELDS (A B)] {6}\r\nA: b\r\n BODY[]<0> NIL)\r\n");
    CHECK(fetch.number == 12U);
    CHECK(fetch.fetched("uid")->number() == 7U);
    CHECK(fetch.fetched("FLAGS")->items.size() == 2);
    CHECK(fetch.fetched("BODY[HEADER.FIELDS (A B)]")->text == "A: b\r\n");
    CHECK(fetch.fetched("BODY[]<0>")->kind == Value::Kind::nil);
    CHECK(fetch.fetched("ENVELOPE") == nullptr);
    CHECK(parsed("* LIST () \"/\" {3}\r\na\r\n\r\n").values[2].text == "a\r\n");
    CHECK(parsed(std::string_view("* 1 FETCH (BODY[] ~{2}\r\n\0\0)\r\n", 29)).fetched("BODY[]")->text.size() == 2);
    CHECK(parsed("* SEARCH\r\n").values.empty());
    CHECK(parsed("* FLAGS (\\Answered \\*)\r\n").values[0].items.size() == 2);
}

TEST_CASE("responses: what breaks the grammar or a bound is refused") {
    for (const char* bad : {"\r\n", "nothing\r\n", " x\r\n", "* LIST (\r\n", "* LIST \"a\r\n", "* 1 FETCH (UID 1))\r\n", "* LIST {x}\r\n", "* 1 FETCH (BODY[] {5}\r\nab\r\n"})
        CHECK_FALSE(parse_response(bad));
    CHECK_FALSE(parse_response("* LIST " + std::string(100, '(') + std::string(100, ')') + "\r\n"));
    CHECK(parse_response("* LIST " + std::string(30, '(') + std::string(30, ')') + "\r\n"));
    ResponseLimits limits;
    limits.line = 100;
    limits.literal = 1000;
    const auto end_of = [&](const std::string& bytes) { return ResponseFramer(limits).find_end(bytes); };
    CHECK_FALSE(end_of("* LIST " + std::string(200, 'x')));
    CHECK_FALSE(end_of("* LIST {1001}\r\n"));
    CHECK_FALSE(end_of("* LIST {18446744073709551616}\r\n"));
    CHECK_FALSE(end_of("* LIST {600}\r\n" + std::string(600, 'x') + " {600}\r\n"));
    CHECK(end_of("* LIST {600}\r\n" + std::string(600, '\n')).value() == std::nullopt);
}

TEST_CASE("ResponseFramer: pieces of any size give the same ends") {
    const std::string bytes = "* OK hi {9}\r\n* 1 FETCH (BODY[] {6}\r\na\r\nb\r\n X {2}\r\n\r\n)\r\nm1 OK done\r\n";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        ResponseFramer framer;
        std::string held;
        std::vector<std::string> found;
        for (std::size_t i = 0; i < bytes.size(); i += piece) {
            held += bytes.substr(i, piece);
            for (;;) {
                const auto end = framer.find_end(held);
                REQUIRE(end);
                if (!*end)
                    break;
                found.push_back(held.substr(0, **end));
                held.erase(0, **end);
            }
        }
        CHECK(held.empty());
        REQUIRE(found.size() == 3);
        CHECK(parse_response(found[1])->fetched("BODY[]")->text == "a\r\nb\r\n");
    }
}
