#include "common/net/memory_stream.hpp"
#include "common/net/reader.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

Task<void> send_and_end(Stream& stream, std::string data) {
    const auto sent = co_await stream.write(data);
    CHECK(sent);
    co_await stream.shutdown();
}

Task<void> expect_all(Stream& stream, std::string expected) {
    const std::string all = co_await read_to_end(stream);
    CHECK(all == expected);
}

Task<void> expect_error(Stream& stream, ErrorCode code) {
    char byte = 0;
    const std::span<char> room(&byte, 1);
    const auto got = co_await stream.read_some(room);
    REQUIRE(!got);
    CHECK(got.error().code == code);
}

Task<void> run_one(std::function<void()> action) {
    action();
    co_return;
}

} // namespace

TEST_CASE("a memory pair carries more than its capacity in order, cut in any way") {
    for (const std::size_t cut : {1UL, 7UL, 100000UL}) {
        MemoryOptions options;
        options.capacity = 1000;
        options.chunk = [cut] { return cut; };
        auto [first, second] = make_memory_pair(options);
        std::string data(20000, 'x');
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<char>('a' + i % 23);
        Loop loop;
        loop.add(send_and_end(*second, data));
        loop.add(expect_all(*first, data));
        loop.run();
    }
}

TEST_CASE("memory streams time out, close and break like sockets") {
    auto [first, second] = make_memory_pair();
    Loop loop;
    SECTION("time-out") {
        first->set_timeout(30ms);
        loop.add(expect_error(*first, ErrorCode::timeout));
        loop.run();
    }
    SECTION("own close ends a pending read") {
        loop.add(expect_error(*first, ErrorCode::closed));
        loop.add(run_one([&first = first] { first->close(); }));
        loop.run();
    }
    SECTION("closer() does so too and outlives the stream") {
        auto closer = first->closer();
        loop.add(expect_error(*first, ErrorCode::closed));
        loop.add(run_one(closer));
        loop.run();
        first.reset();
        closer();
    }
    SECTION("the other end going away is the end of the data") {
        loop.add(send_and_end(*second, "last"));
        loop.run();
        second.reset();
        loop.add(expect_all(*first, "last"));
        loop.run();
    }
}

namespace {

Task<void> check_lines(Stream& stream, std::vector<std::string> expected, bool lenient, ErrorCode end) {
    Reader reader(stream);
    for (const auto& line : expected) {
        const auto got = co_await reader.line(20, lenient);
        REQUIRE(got);
        CHECK(*got == line);
    }
    const auto last = co_await reader.line(20, lenient);
    REQUIRE(!last);
    CHECK(last.error().code == end);
}

Task<void> check_buffer(Stream& stream) {
    Reader reader(stream);
    std::string all;
    for (;;) {
        const auto more = co_await reader.fill(10);
        REQUIRE(more);
        if (!*more)
            break;
        CHECK(reader.buffered().size() <= 20);
        while (reader.buffered().size() > 10) {
            all += reader.buffered().substr(0, 3);
            reader.consume(3);
        }
    }
    all += reader.buffered();
    reader.consume(SIZE_MAX);
    CHECK(reader.buffered().empty());
    reader.release();
    std::string expected;
    for (int i = 0; i < 5000; ++i)
        expected += static_cast<char>('a' + i % 26);
    CHECK(all == expected);
}

} // namespace

TEST_CASE("Reader finds lines however they are cut") {
    for (const std::size_t cut : {1UL, 2UL, 3UL, 1000UL}) {
        const auto chunk = [cut] { return cut; };
        const auto strict = make_script_stream("EHLO a\r\n\r\nx\ny\r\ntail", nullptr, chunk);
        async::run_until_done(check_lines(*strict, {"EHLO a", "", "x\ny"}, false, ErrorCode::closed));
        const auto lenient = make_script_stream("220 a\r\n\n221 b\n", nullptr, chunk);
        async::run_until_done(check_lines(*lenient, {"220 a", "", "221 b"}, true, ErrorCode::closed));
        const auto longest = make_script_stream(std::string(20, 'x') + "\r\n" + std::string(21, 'y') + "\r\n", nullptr, chunk);
        async::run_until_done(check_lines(*longest, {std::string(20, 'x')}, false, ErrorCode::too_large));
    }
}

TEST_CASE("Reader keeps what is not consumed and moves it only when that is cheap") {
    std::string data;
    for (int i = 0; i < 5000; ++i)
        data += static_cast<char>('a' + i % 26);
    unsigned turn = 0;
    const auto stream = make_script_stream(data, nullptr, [&turn] { return ++turn % 9; });
    async::run_until_done(check_buffer(*stream));
}
