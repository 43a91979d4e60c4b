#include "common/async/signal.hpp"
#include "common/base/log.hpp"
#include "common/net/connect.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

#include <array>
#include <atomic>
#include <ctime>
#include <fcntl.h>
#include <mutex>
#include <netinet/in.h>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

/// An echo server on two threads.
struct Server {
    async::Runtime runtime{2};
    async::TaskGroup accepting;
    async::TaskGroup sessions;
    std::shared_ptr<ConnectionBudget> budget = std::make_shared<ConnectionBudget>(4, 0);
    std::unique_ptr<Listener> listener = open_loopback(runtime.executor(0));
    std::atomic<int> started{0};
    std::mutex mutex;
    std::set<std::thread::id> threads;

    Task<void> echo(std::unique_ptr<Stream> stream) {
        ++started;
        {
            const std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
        }
        stream->set_timeout(10s);
        for (;;) {
            char buffer[1000];
            const std::span<char> room(buffer);
            const auto got = co_await stream->read_some(room);
            if (!got || *got == 0)
                break;
            const std::string_view echo(buffer, *got);
            const auto sent = co_await stream->write(echo);
            if (!sent)
                break;
        }
        co_await stream->shutdown();
    }
    Server() {
        AcceptOptions options{budget, "test", "421 full\r\n"};
        accepting.spawn(runtime.executor(0), accept_loop(*listener, runtime, sessions,
                                                         [this](std::unique_ptr<Stream> s) { return echo(std::move(s)); }, options));
        runtime.start();
    }
    ~Server() {
        listener->close();
        CHECK(accepting.wait(5s));
        sessions.close();
        CHECK(sessions.wait(5s));
        runtime.stop();
    }
};

Task<void> connect_into(std::uint16_t port, std::unique_ptr<Stream>& out) {
    auto stream = co_await connect_tcp("127.0.0.1", port, 5s);
    REQUIRE(stream);
    out = std::move(stream).value();
}

Task<void> say(Stream& stream, std::string text, std::string expected) {
    stream.set_timeout(5s);
    const auto sent = co_await stream.write(text);
    (void)sent;
    const std::string got = co_await read_exactly(stream, expected.size());
    CHECK(got == expected);
}

/// Has the server say or echo something, or close.
Task<void> read_whatever(Stream& stream) {
    stream.set_timeout(30s);
    const auto sent = co_await stream.write("x");
    std::array<char, 64> buffer{};
    const std::span<char> room(buffer);
    const auto got = co_await stream.read_some(room);
    (void)sent;
    (void)got;
}

struct Client {
    Loop& loop;
    std::unique_ptr<Stream> stream;
    Client(Loop& where, std::uint16_t port) : loop(where) {
        loop.add(connect_into(port, stream));
        loop.run();
    }
    void expect(const std::string& text, const std::string& answer) {
        loop.add(say(*stream, text, answer));
        loop.run();
    }
};

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

} // namespace

TEST_CASE("accept_loop spreads sessions over the threads and honours the budget") {
    Server server;
    Loop loop;
    {
        Client a(loop, server.listener->port());
        Client b(loop, server.listener->port());
        Client c(loop, server.listener->port());
        Client d(loop, server.listener->port());
        a.expect("one", "one");
        b.expect("two", "two");
        c.expect("three", "three");
        d.expect("four", "four");
        CHECK(server.budget->open() == 4);
        CHECK(server.threads.size() == 2);
        Client e(loop, server.listener->port());
        e.expect("", "421 full\r\n");
    }
    for (int i = 0; i < 200 && server.budget->open() > 0; ++i)
        std::this_thread::sleep_for(10ms);
    CHECK(server.budget->open() == 0);
    Client f(loop, server.listener->port());
    f.expect("room again", "room again");
    SECTION("close() leaves sessions alone") {
        server.listener->close();
        CHECK(server.accepting.wait(5s));
        f.expect("still here", "still here");
        auto again = Listener::open(loop.executor(), server.listener->address());
        CHECK(again);
    }
    f.stream.reset();
}

TEST_CASE("per-address budgets leave loopback out") {
    auto budget = std::make_shared<ConnectionBudget>(100, 2);
    const Peer remote{"192.0.2.1", 1, false};
    auto one = budget->take(remote);
    auto two = budget->take(remote);
    CHECK(one);
    CHECK(two);
    CHECK(!budget->take(remote));
    CHECK(budget->take(Peer{"192.0.2.2", 1, false}));
    const Peer own{"127.0.0.1", 1, true};
    auto three = budget->take(own);
    auto four = budget->take(own);
    auto five = budget->take(own);
    CHECK(five);
    one.reset();
    CHECK(budget->take(remote));
}

TEST_CASE("a budget counts loopback when it is told to, and new limits hold for connections to come") {
    auto budget = std::make_shared<ConnectionBudget>("x", ConnectionLimits{0, 1, true});
    const Peer own{"127.0.0.1", 1, true};
    auto one = budget->take(own);
    CHECK(one);
    CHECK(!budget->take(own));
    CHECK(budget->take(Peer{"", 0, true})); // a Unix socket
    budget->set_limits({0, 2, true});
    CHECK(budget->take(own));
}

TEST_CASE("overload begins at 80 percent and ends at 60") {
    auto budget = std::make_shared<ConnectionBudget>("x", ConnectionLimits{10, 0, false});
    const Peer peer{"192.0.2.1", 1, false};
    std::vector<ConnectionBudget::Token> tokens;
    std::vector<bool> up, down;
    for (int i = 0; i < 10; ++i) {
        tokens.push_back(budget->take(peer).value());
        up.push_back(budget->is_overloaded());
    }
    CHECK(up == std::vector<bool>{0, 0, 0, 0, 0, 0, 0, 1, 1, 1});
    while (!tokens.empty()) {
        tokens.pop_back();
        down.push_back(budget->is_overloaded()); // with 9 open, then 8 ...
    }
    CHECK(down == std::vector<bool>{1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
    tokens.push_back(budget->take(peer).value());
    budget->set_limits({1, 0, false});
    CHECK(budget->is_overloaded());
    budget->set_limits({0, 0, false}); // no limit, no overload
    CHECK_FALSE(budget->is_overloaded());
}

TEST_CASE("connection churn: 500 connects closed at once and 100 resets leave the server answering") { // S45
    Server server;
    Loop loop;
    for (int i = 0; i < 600; ++i) {
        std::unique_ptr<Stream> stream;
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(server.listener->port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        const linger reset{1, 0};
        if (i >= 500)
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        ::close(fd);
    }
    { // in order behind the flood: once this one is answered or refused, all of it has been accepted
        Client client(loop, server.listener->port());
        loop.add(read_whatever(*client.stream));
        loop.run();
    }
    for (int i = 0; i < 1000 && server.budget->open() > 0; ++i)
        std::this_thread::sleep_for(10ms);
    Client last(loop, server.listener->port());
    last.expect("alive", "alive");
}

TEST_CASE("without descriptors accepting pauses, does not spin, and resumes") { // F17
    Server server;
    Loop loop;
    Client first(loop, server.listener->port());
    first.expect("a", "a");
    // The client's end of the next connection exists before descriptors run out.
    const int waiting = ::socket(AF_INET, SOCK_STREAM, 0);
    std::vector<int> hogs;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit low{128, limit.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY))
        hogs.push_back(fd);
    const auto paused = event_count(Event::accept_paused);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.listener->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(waiting, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const double before = cpu_seconds();
    std::this_thread::sleep_for(700ms);
    const double spent = cpu_seconds() - before;
    for (const int fd : hogs)
        ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(spent < 0.07);
    CHECK(event_count(Event::accept_paused) == paused + 1);
    CHECK(::send(waiting, "late", 4, MSG_NOSIGNAL) == 4);
    char buffer[4] = {};
    CHECK(::recv(waiting, buffer, 4, MSG_WAITALL) == 4);
    CHECK(std::string(buffer, 4) == "late");
    ::close(waiting);
    first.expect("b", "b");
    first.stream.reset();
}
