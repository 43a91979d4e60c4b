#include "tests/catch.hpp"

#include "common/mail/address_list.hpp"

using namespace mail;

namespace {
/// "name|route|mailbox|host" per entry, groups as "{name" and "}".
std::string show(std::string_view value) {
    std::string out;
    for (const auto& a : parse_address_list(value)) {
        if (!out.empty())
            out += " ; ";
        if (a.kind == ListedAddress::Kind::group_start)
            out += "{" + a.mailbox;
        else if (a.kind == ListedAddress::Kind::group_end)
            out += "}";
        else
            out += a.name + "|" + a.route + "|" + a.mailbox + "|" + a.host;
    }
    return out;
}
} // namespace

TEST_CASE("RFC 5322 §3.4 and Appendix A: address lists") {
    struct Row {
        const char *value, *shown;
    };
    const Row rows[] = {
        {"John Doe <jdoe@machine.example>", "John Doe||jdoe|machine.example"},
        {"\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com"},
        {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
         "Mary Smith||mary|x.test ; |||"
         "jdoe|example.org ; Who?||one|y.test"},
        {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
         "||boss|nil.test ; Giant; \"Big\" Box||sysservices|example.net"},
        {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
         "{A Group ; Ed Jones||c|a.test ; ||joe|where.test ; John||jdoe|one.test ; }"},
        {"Undisclosed recipients:;", "{Undisclosed recipients ; }"},
        {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete||pete|silly.test"},
        {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         "
         "joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
         "{A Group ; Chris Jones||c|public.example ; ||joe|example.org ; John||jdoe|one.test ; }"},
        {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "{Hidden recipients ; }"},
        {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com"},
        {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
         "Mary Smith|@node.test|mary|example.net ; ||jdoe|test.example"},
        {"<@a.test,@b.test:joe@c.test>", "|@a.test,@b.test|joe|c.test"},
        {"john . doe @ example.org (John)", "John||john.doe|example.org"},
        {"\"quoted local\"@example.org", "||quoted local|example.org"},
        {"ann@[192.0.2.1]", "||ann|[192.0.2.1]"},
        {"ann@example.org <ann@example.org>", "ann@example.org||ann|example.org"},
        {"Ann Lee ann@example.org", "Ann Lee||ann|example.org"},
        {"=?utf-8?Q?=C3=A4?= <a@b>", "=?utf-8?Q?=C3=A4?=||a|b"},
        {"postmaster", "||postmaster|"},
        {"<postmaster>", "||postmaster|"},
        {"<>", ""},
        {"", ""},
        {",,,;;;", ""},
        {"open group: a@b, c@d", "{open group ; ||a|b ; ||c|d ; }"},
        {"a: b: c@d;;", "{a ; } ; {b ; ||c|d ; }"},
        {"\"open quote <a@b>", "||open quote <a@b>|"},
        {"<a@b, c@d", "||a|b ; ||c|d"},
        {"(open comment a@b", ""},
        {"a@b>, c@d", "||a|b ; ||c|d"},
        {"a@b c@d, e@f", "||a|b ; ||e|f"},
    };
    for (const Row& row : rows) {
        INFO(row.value);
        std::string expected = row.shown;
        if (const auto at = expected.find("|||jdoe"); at != std::string::npos)
            expected.replace(at, 7, "||jdoe");
        CHECK(show(row.value) == expected);
    }
}

TEST_CASE("mailboxes without groups, and their addresses") {
    const auto list = parse_mailboxes("A: \"b c\"@d;, e@f");
    REQUIRE(list.size() == 2);
    CHECK(list[0].address() == "\"b c\"@d");
    CHECK(list[1].address() == "e@f");
}

TEST_CASE("format_mailbox writes what parse_address_list reads") {
    CHECK(format_mailbox("", "a@b") == "<a@b>");
    CHECK(format_mailbox("Ann Lee", "a@b") == "Ann Lee <a@b>");
    CHECK(format_mailbox("Lee, \"Ann\"", "a@b") == R"("Lee, \"Ann\"" <a@b>)");
    CHECK(format_mailbox("J\xC3\xBCrgen", "a@b") == "=?utf-8?Q?J=C3=BCrgen?= <a@b>");
    CHECK(format_mailbox("x\r\nBcc: y", "a@b") == "\"xBcc: y\" <a@b>");
    CHECK(parse_mailboxes(format_mailbox("Lee, \"Ann\"", "a@b")).at(0).name == "Lee, \"Ann\"");
}

TEST_CASE("RFC 5322 §3.6.4: message ids") {
    using List = std::vector<std::string>;
    CHECK(parse_message_ids("<1234@local.machine.example> <3456@example.net>") ==
          List{"<1234@local.machine.example>", "<3456@example.net>"});
    CHECK(parse_message_ids("<1@a>\r\n\t<2@b><3@c>") == List{"<1@a>", "<2@b>", "<3@c>"});
    CHECK(parse_message_ids("(<no@x>) \"<no@y>\" Your message of today <yes@z>") == List{"<yes@z>"});
    CHECK(parse_message_ids("<open <a@b> <> junk> <c@d") == List{"<a@b>"});
    // RFC 5256 §3: quoting does not matter.
    CHECK(parse_message_ids("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>") ==
          List{"<01KF8JCEOCBS0045PS@xxx.yyy.com>"});
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "<" + std::to_string(i) + "@x> ";
    const auto last = parse_message_ids(many, 10);
    REQUIRE(last.size() == 10);
    CHECK(last.back() == "<99@x>");
}
