#include "maild/pop3/proto/message_text.hpp"
#include "tests/catch.hpp"

#include <random>

using namespace mail::pop3;

namespace {

std::string whole(std::string_view message, std::optional<std::uint32_t> lines = std::nullopt) {
    std::string out;
    MessageText text(lines);
    text.put(out, message);
    text.finish(out);
    return out;
}

/// What a client makes of a reply (RFC 1939 §3): dots unstuffed, the final dot gone.
std::string received(std::string_view reply) {
    std::string out;
    while (!reply.empty()) {
        const auto end = reply.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        auto line = reply.substr(0, end);
        reply.remove_prefix(end + 2);
        if (line == ".")
            break;
        if (line.starts_with('.'))
            line.remove_prefix(1);
        out += line;
        out += "\r\n";
    }
    REQUIRE(reply.empty()); // nothing behind the final dot: no line of the message was taken for it
    return out;
}

} // namespace

TEST_CASE("MessageText: dots are stuffed and every line ends with CR LF (RFC 1939 §3)") {
    struct Row {
        std::string_view message, reply;
    };
    for (const auto& [message, reply] : {
             Row{"", ".\r\n"}, Row{"a\r\n", "a\r\n.\r\n"}, Row{"a", "a\r\n.\r\n"}, Row{"a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n"},
             Row{".\r\n..\r\n", "..\r\n...\r\n.\r\n"}, Row{"a\r", "a\r\n.\r\n"}, Row{"a\rb\r\n", "a\rb\r\n.\r\n"},
             Row{"a\r\r\n.", "a\r\r\n..\r\n.\r\n"}, Row{"\r.\n", "\r.\r\n.\r\n"}, Row{"\n\n", "\r\n\r\n.\r\n"}})
        CHECK(whole(message) == reply);
}

TEST_CASE("MessageText: TOP gives the header, the empty line and so many lines of the body (RFC 1939 §7)") {
    const std::string_view message = "A: b\r\n\tc\r\n\r\n1\r\n\r\n3\r\n";
    CHECK(whole(message, 0) == "A: b\r\n\tc\r\n\r\n.\r\n");
    CHECK(whole(message, 2) == "A: b\r\n\tc\r\n\r\n1\r\n\r\n.\r\n");
    CHECK(whole(message, 4294967295U) == "A: b\r\n\tc\r\n\r\n1\r\n\r\n3\r\n.\r\n");
    CHECK(whole("no header end", 0) == "no header end\r\n.\r\n");
    CHECK(whole("\r\nbody\r\n", 1) == "\r\nbody\r\n.\r\n");
}

TEST_CASE("MessageText: pieces of any size give what the whole gives, and a client gets the message back") {
    std::mt19937 random(7);
    constexpr std::string_view alphabet = "a.\r\n";
    for (int round = 0; round < 5000; ++round) {
        std::string message(random() % 40, 'x');
        for (auto& c : message)
            c = alphabet[random() % alphabet.size()];
        const auto lines = round % 3 == 0 ? std::optional<std::uint32_t>(random() % 4) : std::nullopt;
        MessageText text(lines);
        std::string out;
        for (std::size_t at = 0; at < message.size();) {
            const auto size = 1 + random() % 5;
            text.put(out, std::string_view(message).substr(at, size));
            at += size;
        }
        text.finish(out);
        INFO(message);
        CHECK(out == whole(message, lines));
        std::string canonical;
        for (std::size_t i = 0; i < message.size(); ++i) {
            if (message[i] == '\n' && (i == 0 || message[i - 1] != '\r'))
                canonical += '\r';
            canonical += message[i];
        }
        if (!canonical.empty() && !canonical.ends_with('\n'))
            canonical += canonical.ends_with('\r') ? "\n" : "\r\n";
        if (!lines)
            CHECK(received(out) == canonical);
    }
}
