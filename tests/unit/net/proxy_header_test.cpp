#include "common/net/memory_stream.hpp"
#include "common/net/proxy_header.hpp"
#include "common/base/limits.hpp"
#include "common/crypto/checksum.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

using namespace mail;
using namespace mail::net;
using namespace std::string_literals;

namespace {

const std::string mark = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(unsigned char command, unsigned char family, const std::string& body) {
    std::string out = mark;
    out += static_cast<char>(command);
    out += static_cast<char>(family);
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 0xff);
    return out + body;
}

const std::string tcp4 = "\xC0\x00\x02\x01\xC6\x33\x64\x01\xDE\xAD\x00\x19"s; // 192.0.2.1:57005 to 198.51.100.1:25

/// Follows `need` as a reader would: never a byte more than asked for.
Result<ProxyProgress> read_as_told(std::string_view whole, std::size_t& asked) {
    asked = 0;
    for (;;) {
        auto progress = parse_proxy_header(whole.substr(0, asked));
        if (!progress || progress->need == 0)
            return progress;
        if (asked + progress->need > whole.size())
            return fail(ErrorCode::closed, "asks for more than there is");
        asked += progress->need;
    }
}

Peer source_of(std::string_view header) {
    const std::string followed = std::string(header) + "EHLO x\r\n";
    std::size_t asked = 0;
    const auto progress = read_as_told(followed, asked);
    REQUIRE(progress);
    CHECK(asked == header.size());
    CHECK(progress->size == header.size());
    return progress->header.source.value_or(Peer{"none", 0, false});
}

bool is_refused(std::string_view header) {
    std::size_t asked = 0;
    const auto progress = read_as_told(std::string(header) + std::string(300, 'x'), asked);
    return !progress && progress.error().code != ErrorCode::closed;
}

Task<void> take(Stream& stream, std::string& outcome) {
    const auto taken = co_await take_proxy_header(stream);
    outcome = taken ? stream.peer().text() : taken.error().message;
    std::array<char, 8> rest{};
    const std::span<char> room(rest);
    const auto got = co_await stream.read_some(room);
    outcome += " then " + std::string(rest.data(), got.value_or(0));
}

} // namespace

TEST_CASE("proxy-protocol.txt §2.1: version 1 lines") {
    CHECK(source_of("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n").text() == "192.0.2.1:56324");
    CHECK(source_of("PROXY TCP6 2001:DB8::0001 2001:db8::2 1 65535\r\n").address == "2001:db8::1");
    CHECK(source_of("PROXY TCP4 127.0.0.1 127.0.0.2 0 25\r\n").loopback);
    CHECK(source_of("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n").address == "192.0.2.1");
    CHECK(source_of("PROXY UNKNOWN\r\n").address == "none");
    CHECK(source_of("PROXY UNKNOWN ffff::1 whatever 1 2\r\n").address == "none");
    // The longest line there is.
    CHECK(source_of("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n")
              .address == "none");
}

TEST_CASE("proxy-protocol.txt §2.1: what is no version 1 line") {
    for (const std::string_view line :
         {"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 056 25\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n",
          "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n", "PROXY TCP5 1.1.1.1 1.1.1.1 1 2\r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", "PROXY \r\n           \r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 -1 25\r\n", "PROXY TCP4 192.0.2.256 198.51.100.1 1 25\r\n", "proxy unknown\r\n",
          "EHLO client.example\r\n", "GET / HTTP/1.1\r\n", "PROXYUNKNOWN\r\n"})
        CHECK(is_refused(line));
    CHECK(is_refused("PROXY UNKNOWN " + std::string(200, 'x') + "\r\n"));
    CHECK(is_refused("PROXY UNKNOWN a\rb\r\n"s));
    CHECK(is_refused("PROXY UNKNOWN a\0b\r\n"s));
}

TEST_CASE("proxy-protocol.txt §2.2: version 2") {
    CHECK(source_of(v2(0x21, 0x11, tcp4)).text() == "192.0.2.1:57005");
    const std::string tcp6 = std::string(15, '\0') + "\x01" + std::string(16, '\x22') + "\x00\x10\x00\x19"s;
    CHECK(source_of(v2(0x21, 0x21, tcp6)).text() == "[::1]:16");
    CHECK(source_of(v2(0x20, 0x00, "")).address == "none");                       // LOCAL
    CHECK(source_of(v2(0x20, 0x11, tcp4)).address == "none");                     // LOCAL: addresses do not count
    CHECK(source_of(v2(0x21, 0x00, "whatever")).address == "none");               // UNSPEC
    CHECK(source_of(v2(0x21, 0x31, std::string(216, 'u'))).address == "none");    // Unix
    CHECK(source_of(v2(0x21, 0x11, tcp4 + "\x04\x00\x03xyz"s)).address == "192.0.2.1"); // a NOOP field
    std::string summed = v2(0x21, 0x11, tcp4 + "\x03\x00\x04\0\0\0\0"s);
    const std::uint32_t sum = crypto::crc32c(summed);
    for (int i = 0; i < 4; ++i)
        summed[summed.size() - 4 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (24 - 8 * i));
    CHECK(source_of(summed).address == "192.0.2.1");
    ++summed[20];
    CHECK(is_refused(summed));
}

TEST_CASE("proxy-protocol.txt §2.2: what is no version 2 header") {
    CHECK(is_refused(v2(0x11, 0x11, tcp4)));                          // version
    CHECK(is_refused(v2(0x22, 0x11, tcp4)));                          // command
    CHECK(is_refused(v2(0x21, 0x12, tcp4)));                          // UDP
    CHECK(is_refused(v2(0x21, 0x41, tcp4)));                          // family
    CHECK(is_refused(v2(0x21, 0x11, tcp4.substr(1))));                // cut
    CHECK(is_refused(v2(0x21, 0x11, tcp4 + "\x04")));                 // half a field
    CHECK(is_refused(v2(0x21, 0x11, tcp4 + "\x04\x00\x05xyz"s)));     // a field beyond the end
    CHECK(is_refused(v2(0x21, 0x11, tcp4 + "\x03\x00\x01z"s)));       // a checksum of another size
    const auto most = static_cast<std::size_t>(limit::proxy_header_bytes);
    CHECK(source_of(v2(0x20, 0x00, std::string(most - 16, 'x'))).address == "none");
    CHECK(is_refused(v2(0x20, 0x00, std::string(most - 15, 'x'))));
    CHECK(is_refused(mark.substr(0, 11) + "X"));
}

TEST_CASE("a header is taken off the stream to its last byte, however it is cut") {
    for (const std::size_t piece : {1u, 7u, 4096u}) {
        std::string outcome;
        const auto stream = make_script_stream("PROXY TCP4 192.0.2.1 198.51.100.1 5 25\r\nEHLO", nullptr, [piece] { return piece; });
        async::run_until_done(take(*stream, outcome));
        CHECK(outcome.starts_with("192.0.2.1:5 then E"));
    }
    std::string outcome;
    const auto stream = make_script_stream("PROXY TCP4", nullptr);
    async::run_until_done(take(*stream, outcome));
    CHECK(outcome.starts_with("PROXY header: the connection ended within it"));
}
