#include "maild/pop3/proto/command.hpp"
#include "tests/catch.hpp"

using namespace mail::pop3;

TEST_CASE("POP3 commands: words in any case, arguments as their RFCs say") {
    CHECK(parse_command("retr 7")->number == 7U);
    CHECK(parse_command("PASS  two spaces ")->text == " two spaces ");
    CHECK(parse_command("USER ann@example.org ")->text == "ann@example.org");
    CHECK(parse_command("LIST")->number == std::nullopt);
    CHECK(parse_command("TOP 3 0")->lines == 0);
    CHECK(parse_command("AUTH")->text.empty());
    CHECK(parse_command("AUTH PLAIN =")->initial == "=");
    CHECK(parse_command("LANG *")->text == "*");
}

TEST_CASE("POP3 commands: what is none is refused with words, numbers never wrap") {
    for (const char* line : {"", " ", "NOSUCH", "RETR", "RETR 0", "RETR -1", "RETR +1", "RETR 1x", "RETR 4294967296", "RETR 4294967297",
                             "RETR 18446744073709551616", "RETR 1 2", "DELE", "TOP 1", "TOP 1 -1", "TOP 0 1", "TOP x 1", "UIDL 0", "LIST 0",
                             "USER", "PASS", "QUIT now", "STAT 1", "CAPA x", "UTF8 x", "NOOP\r", "US\rER a", "STLS x"}) {
        const auto command = parse_command(line);
        INFO(line);
        REQUIRE_FALSE(command);
        CHECK_FALSE(command.error().message.empty());
    }
    CHECK_FALSE(parse_command(std::string_view("USER a\0b", 8)));
}
