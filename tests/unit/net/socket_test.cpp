#include "common/net/connect.hpp"
#include "common/async/signal.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

Task<void> write_all(Stream& stream, std::string data, bool end) {
    const auto sent = co_await stream.write(data);
    CHECK(sent);
    if (end)
        co_await stream.shutdown();
}

Task<void> expect_all(Stream& stream, std::string expected) {
    const std::string all = co_await read_to_end(stream);
    CHECK((all == expected));
}

Task<void> expect_read_error(Stream& stream, ErrorCode code) {
    char byte = 0;
    const std::span<char> room(&byte, 1);
    const auto got = co_await stream.read_some(room);
    REQUIRE(!got);
    CHECK(got.error().code == code);
}

Task<void> close_soon(Stream& stream) {
    co_await async::sleep_for(20ms);
    stream.close();
}

Task<void> make_pair_into(Listener& listener, Pair& pair) {
    auto made = co_await connect_pair(listener);
    pair = std::move(made);
}

struct Sockets {
    Loop loop;
    std::unique_ptr<Listener> listener = open_loopback(loop.executor());
    Pair pair;
    Sockets() {
        loop.add(make_pair_into(*listener, pair));
        loop.run();
    }
};

} // namespace

TEST_CASE("a TCP pair carries megabytes both ways and ends cleanly") {
    Sockets s;
    CHECK(s.pair.server->peer().loopback);
    CHECK(s.pair.server->peer().address == "127.0.0.1");
    CHECK(s.pair.client->peer().port == s.listener->port());
    CHECK(s.pair.client->local().port == s.pair.server->peer().port);
    std::string data(3000000, 'x');
    for (std::size_t i = 0; i < data.size(); i += 7)
        data[i] = static_cast<char>(i);
    s.loop.add(write_all(*s.pair.client, data, true));
    s.loop.add(expect_all(*s.pair.server, data));
    s.loop.run();
    s.loop.add(write_all(*s.pair.server, data, true));
    s.loop.add(expect_all(*s.pair.client, data));
    s.loop.run();
}

TEST_CASE("the watchdog ends a silent read, and a later deadline moves it") {
    Sockets s;
    const auto begun = std::chrono::steady_clock::now();
    s.pair.server->set_timeout(30ms);
    s.pair.server->set_timeout(120ms); // moved later without arming again
    s.loop.add(expect_read_error(*s.pair.server, ErrorCode::timeout));
    s.loop.run();
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK(took >= 115ms);
    CHECK(took < 2s);
    s.loop.add(expect_read_error(*s.pair.server, ErrorCode::timeout)); // stays so
    s.loop.run();
    s.pair.server->set_timeout(5s); // until it is set again
    s.loop.add(write_all(*s.pair.client, "x", true));
    s.loop.add(expect_all(*s.pair.server, "x"));
    s.loop.run();
}

TEST_CASE("the watchdog ends a write to a peer that does not read") {
    Sockets s;
    s.pair.server->set_timeout(80ms);
    const auto stuck = [](Stream& stream) -> Task<void> {
        const std::string much(30000000, 'x');
        const auto sent = co_await stream.write(much);
        REQUIRE(!sent);
        CHECK(sent.error().code == ErrorCode::timeout);
    };
    s.loop.add(stuck(*s.pair.server));
    s.loop.run();
}

TEST_CASE("close ends pending operations; so does closer, also after the stream is gone") {
    Sockets s;
    SECTION("close") {
        s.loop.add(expect_read_error(*s.pair.server, ErrorCode::closed));
        s.loop.add(close_soon(*s.pair.server));
        s.loop.run();
    }
    SECTION("closer") {
        auto closer = s.pair.server->closer();
        s.loop.add(expect_read_error(*s.pair.server, ErrorCode::closed));
        std::thread other([closer] { closer(); });
        s.loop.run();
        other.join();
        s.pair.server.reset();
        closer();
        s.loop.run();
    }
}

TEST_CASE("ender interrupts a read that only waits, no other, and the stream goes on writing") {
    Sockets s;
    const auto use_soon = [](std::function<void()> ender) -> Task<void> {
        co_await async::sleep_for(20ms);
        ender();
    };
    SECTION("a read in the middle of something goes on") {
        s.loop.add(use_soon(s.pair.server->ender()));
        s.loop.add(expect_all(*s.pair.server, "x"));
        const auto send_later = [](Stream& stream) -> Task<void> {
            co_await async::sleep_for(60ms);
            const auto sent = co_await stream.write("x");
            CHECK(sent);
            co_await stream.shutdown();
        };
        s.loop.add(send_later(*s.pair.client));
        s.loop.run();
        CHECK(s.pair.server->is_ending());
    }
    SECTION("one that waits ends at once, and so does a later one") {
        s.loop.add(use_soon(s.pair.server->ender()));
        for (int turn = 0; turn < 2; ++turn) {
            const Interruptible waiting(*s.pair.server);
            s.loop.add(expect_read_error(*s.pair.server, ErrorCode::closed));
            s.loop.run();
        }
    }
    s.loop.add(write_all(*s.pair.server, "last words", true));
    s.loop.add(expect_all(*s.pair.client, "last words"));
    s.loop.run();
    const auto ender = s.pair.server->ender();
    s.pair.server.reset();
    ender();
}

TEST_CASE("a peer that reset the connection gives closed and no SIGPIPE") {
    Sockets s;
    s.pair.client.reset();
    const auto until_closed = [](Stream& stream) -> Task<void> {
        for (int i = 0; i < 1000; ++i) {
            const auto sent = co_await stream.write("some words");
            if (!sent) {
                CHECK(sent.error().code == ErrorCode::closed);
                co_return;
            }
            co_await async::sleep_for(1ms);
        }
        FAIL("still writing");
    };
    s.loop.add(until_closed(*s.pair.server));
    s.loop.run();
}

TEST_CASE("shutdown reads what a talking peer still sends, so that the last reply is not lost") {
    Sockets s;
    s.loop.add(write_all(*s.pair.client, std::string(200000, 'x'), false));
    s.loop.run();
    const auto refuse = [](std::unique_ptr<Stream> stream) -> Task<void> {
        const auto sent = co_await stream->write("554 go away\r\n");
        CHECK(sent);
        co_await stream->shutdown();
    };
    s.loop.add(refuse(std::move(s.pair.server)));
    s.loop.add(expect_all(*s.pair.client, "554 go away\r\n"));
    s.loop.run();
}

TEST_CASE("connecting fails with the right code") {
    const auto attempt = [](std::string address, std::uint16_t port, ErrorCode code) -> Task<void> {
        auto stream = co_await connect_tcp(address, port, 300ms);
        REQUIRE(!stream);
        CHECK(stream.error().code == code);
    };
    Loop loop;
    std::uint16_t free_port = 0;
    {
        auto listener = open_loopback(loop.executor());
        free_port = listener->port();
    }
    loop.add(attempt("127.0.0.1", free_port, ErrorCode::unavailable));
    loop.add(attempt("localhost", 25, ErrorCode::invalid));
    loop.run();
}

TEST_CASE("a Unix listener has its mode, tells who connects and removes its file") {
    TempFolder folder;
    const std::string path = folder.file("s");
    Loop loop;
    auto opened = Listener::open(loop.executor(), {BindKind::unix_socket, path, 0, -1}, {.backlog = 10, .unix_mode = 0640, .unix_group = {}});
    REQUIRE(opened);
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0640);
    const auto talk = [](Listener& listener, std::string where) -> Task<void> {
        auto client = co_await connect_unix(where, 1s);
        REQUIRE(client);
        auto server = co_await listener.accept();
        REQUIRE(server);
        const auto who = peer_credentials(**server);
        REQUIRE(who);
        CHECK(who->uid == ::getuid());
        CHECK(who->pid == ::getpid());
        CHECK((*server)->peer().loopback);
        CHECK((*server)->peer().text() == "unix");
        const auto sent = co_await (*client)->write("hello");
        CHECK(sent);
        const std::string got = co_await read_exactly(**server, 5);
        CHECK(got == "hello");
    };
    loop.add(talk(**opened, path));
    loop.run();
    SECTION("in use") {
        const auto second = Listener::open(loop.executor(), {BindKind::unix_socket, path, 0, -1});
        REQUIRE(!second);
        CHECK(second.error().code == ErrorCode::conflict);
    }
    opened->reset();
    CHECK(::stat(path.c_str(), &info) != 0);
}

TEST_CASE("only a stale socket of ours is removed at start") {
    TempFolder folder;
    const std::string path = folder.file("s");
    Loop loop;
    const BindAddress where{BindKind::unix_socket, path, 0, -1};
    const auto leave_stale = [&path] {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::close(fd);
    };
    SECTION("stale") {
        leave_stale();
        CHECK(Listener::open(loop.executor(), where));
    }
    SECTION("stale in a folder that others write to") {
        leave_stale();
        REQUIRE(::chmod(folder.path.c_str(), 0777) == 0);
        const auto opened = Listener::open(loop.executor(), where);
        REQUIRE(!opened);
        CHECK(opened.error().code == ErrorCode::denied);
    }
    SECTION("a symlink or a file is left alone") {
        REQUIRE(::symlink("/etc/passwd", path.c_str()) == 0);
        const auto opened = Listener::open(loop.executor(), where);
        REQUIRE(!opened);
        CHECK(opened.error().code == ErrorCode::conflict);
        CHECK(std::filesystem::is_symlink(path));
    }
}

TEST_CASE("a port in use is a conflict with the port in words") {
    Loop loop;
    auto first = open_loopback(loop.executor());
    const auto second = Listener::open(loop.executor(), first->address());
    REQUIRE(!second);
    CHECK(second.error().code == ErrorCode::conflict);
    CHECK(second.error().message.find(std::to_string(first->port())) != std::string::npos);
    first->close();
    CHECK(Listener::open(loop.executor(), first->address()));
}
