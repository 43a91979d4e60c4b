#include "common/net/deflate_stream.hpp"

#include "common/async/runtime.hpp"
#include "common/base/limits.hpp"
#include "common/net/memory_stream.hpp"
#include "tests/catch.hpp"

#include <zlib.h>

using namespace mail;

namespace {

std::string packed(std::string_view plain) {
    z_stream zip{};
    REQUIRE(deflateInit2(&zip, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string in(plain), out(deflateBound(&zip, static_cast<uLong>(in.size())) + 64, '\0');
    zip.next_in = reinterpret_cast<Bytef*>(in.data());
    zip.avail_in = static_cast<uInt>(in.size());
    zip.next_out = reinterpret_cast<Bytef*>(out.data());
    zip.avail_out = static_cast<uInt>(out.size());
    deflate(&zip, Z_SYNC_FLUSH);
    out.resize(out.size() - zip.avail_out);
    deflateEnd(&zip);
    return out;
}

// Everything a stream over `wire` gives, and how it ended.
Task<void> drain(std::string wire, std::size_t chunk, std::string& out, Result<std::size_t>& end) {
    auto inner = net::make_script_stream(std::move(wire), nullptr, [chunk] { return chunk; });
    const auto stream = net::make_deflate_stream(inner);
    std::string buffer(16384, '\0');
    while (true) {
        end = co_await stream->read_some(buffer);
        if (!end || *end == 0)
            break;
        out.append(buffer, 0, *end);
    }
    stream->close();
}

Task<void> talk(std::string_view text, std::string& out) {
    auto [left, right] = net::make_memory_pair();
    const auto writer = net::make_deflate_stream(left);
    const auto reader = net::make_deflate_stream(right);
    std::string buffer(1000, '\0');
    const auto written = co_await writer->write(text);
    REQUIRE(written);
    while (out.size() < text.size()) {
        const auto got = co_await reader->read_some(buffer);
        REQUIRE(got);
        out.append(buffer, 0, *got);
    }
    writer->close();
    reader->close();
}

// Both ends rest after every line, the reading one also in the middle of a block.
Task<void> talk_with_rests(std::size_t lines, std::string& said, std::string& heard) {
    auto [left, right] = net::make_memory_pair();
    const auto writer = net::make_deflate_stream(left);
    const auto reader = net::make_deflate_stream(right);
    std::string buffer(7, '\0');
    for (std::size_t i = 0; i < lines; ++i) {
        std::string line = "* " + std::to_string(i * i) + " FETCH (FLAGS (\\Seen))";
        while (i % 50 == 0 && line.size() < 5000)
            line += line;
        said += line;
        const auto written = co_await writer->write(line);
        REQUIRE(written);
        if (i % 2 == 0)
            writer->rest(); // else the next line refers to this one
        reader->rest();
        while (heard.size() < said.size()) {
            const auto got = co_await reader->read_some(buffer);
            REQUIRE(got);
            heard.append(buffer, 0, *got);
            reader->rest();
        }
    }
    writer->close();
    reader->close();
}

} // namespace

TEST_CASE("A stream at rest forgets nothing that it was sent") {
    std::string said, heard;
    async::run_until_done(talk_with_rests(1000, said, heard));
    CHECK((said == heard));
}

TEST_CASE("RFC 4978: what one end writes, the other reads at once") {
    std::string text;
    for (int i = 0; i < 20000; ++i)
        text += "* " + std::to_string(i) + " FETCH (FLAGS (\\Seen))\r\n";
    for (const std::string_view sent : {std::string_view("a NOOP\r\n"), std::string_view(text)}) {
        std::string out;
        async::run_until_done(talk(sent, out));
        CHECK((out == sent));
    }
}

TEST_CASE("Compressed input may be cut anywhere") {
    const std::string text = "a LOGIN ann secret\r\nb SELECT INBOX\r\n";
    for (const std::size_t chunk : {1U, 2U, 7U, 1000U}) {
        std::string out;
        Result<std::size_t> end;
        async::run_until_done(drain(packed(text), chunk, out, end));
        CHECK(out == text);
        CHECK((end && *end == 0));
    }
}

TEST_CASE("Damaged compressed input and input that unpacks to too much end the connection") {
    std::string out;
    Result<std::size_t> end;
    async::run_until_done(drain("\xFF\xFF\xFF\xFFrubbish", 1000, out, end));
    REQUIRE(!end);
    CHECK(end.error().code == ErrorCode::closed);

    out.clear();
    const auto bomb = packed(std::string(static_cast<std::size_t>(limit::inflate_free) * 2, '('));
    CHECK(bomb.size() * static_cast<std::size_t>(limit::inflate_ratio) < static_cast<std::size_t>(limit::inflate_free) * 2);
    async::run_until_done(drain(bomb, 4096, out, end));
    REQUIRE(!end);
    CHECK(out.size() <= static_cast<std::size_t>(limit::inflate_free) + 65536);
}
