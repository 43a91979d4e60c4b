// How many messages a second the queue relays to a local sink over TCP, store included: unit_queue "[.relay]".
#include "common/base/log.hpp"
#include "common/net/dns_fake.hpp"
#include "common/net/listener.hpp"
#include "common/net/reader.hpp"
#include "maild/queue/scheduler.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"
#include "tests/catch.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <unistd.h>

using namespace mail;
using namespace std::chrono_literals;

namespace {

std::atomic<std::size_t> received{0};

/// PIPELINING, no CHUNKING; as little work as possible.
Task<void> sink(std::unique_ptr<net::Stream> stream) {
    net::Reader reader(*stream);
    auto said = co_await stream->write("220 sink\r\n");
    std::string out;
    bool in_data = false;
    while (said) {
        const std::string_view buffered = reader.buffered();
        const std::size_t end = buffered.find(in_data ? "\r\n.\r\n" : "\r\n");
        if (end == buffered.npos) {
            if (!out.empty()) {
                said = co_await stream->write(out);
                out.clear();
            }
            auto more = co_await reader.fill();
            if (!more || !*more)
                break;
            continue;
        }
        if (in_data) {
            ++received;
            in_data = false;
            out += "250 2.0.0 ok\r\n";
            reader.consume(end + 5);
            continue;
        }
        const std::string_view line = buffered.substr(0, end);
        in_data = line.starts_with("DATA");
        out += line.starts_with("EHLO") ? "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n" : in_data ? "354 go\r\n" : "250 ok\r\n";
        reader.consume(end + 2);
    }
    stream->close();
}

Task<void> accept_many(store::Store& store, std::size_t count, std::shared_ptr<const std::string> content) {
    for (std::size_t i = 0; i < count; ++i) {
        store::AcceptPlan plan;
        const Time now = system_clock().now();
        plan.message = Id::make(now);
        plan.content.memory = content;
        plan.envelope.sender = "ann@example.test";
        plan.queue.push_back({"bob@remote.test", "remote.test", {}, 0, now, now + queue::default_expiry, false, 0});
        auto receipt = co_await store.mail().accept(std::move(plan));
        CHECK(receipt);
    }
}

} // namespace

TEST_CASE("relaying to a local sink", "[.relay]") {
    const char* wanted = std::getenv("RELAY_MESSAGES");
    const std::size_t total = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 20'000;
    const auto directory = std::filesystem::temp_directory_path() / ("queue-relay-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory);
    store::SqliteOptions options;
    options.directory = directory.string();
    options.clock = &system_clock();
    auto store = store::open_sqlite(options);
    REQUIRE(store);
    async::Runtime far(1);
    async::Runtime near(2);
    async::TaskGroup sessions;
    async::TaskGroup own;
    net::BindAddress address;
    address.address = "127.0.0.1";
    std::unique_ptr<net::Listener> listener;
    for (std::uint16_t port = 21'000; !listener && port < 21'200; ++port) {
        address.port = port;
        auto open = net::Listener::open(far.executor(0), address);
        if (open)
            listener = std::move(*open);
    }
    REQUIRE(listener);
    own.spawn(far.executor(0), net::accept_loop(*listener, far, sessions, &sink, {}));
    far.start();
    near.start();
    const auto content = std::make_shared<const std::string>("Subject: t\r\n\r\n" + std::string(4000, 'x') + "\r\n");
    async::TaskGroup fill;
    for (int i = 0; i < 100; ++i)
        fill.spawn(near.next(), accept_many(**store, total / 100, content));
    REQUIRE(fill.wait(120s));

    auto config = std::make_shared<queue::OutboundConfig>();
    queue::Route route;
    route.name = "sink";
    route.domains = {"*"};
    route.relay_host = "127.0.0.1";
    route.port = listener->port();
    config->routes = queue::RouteTable({route});
    const auto dns = std::make_shared<net::FakeResolver>();
    set_log_level(LogLevel::warn);
    queue::SchedulerServices services{
        **store, system_clock(), [config] { return std::shared_ptr<const queue::OutboundConfig>(config); },
        [dns] { return dns; }, [](const Address&, std::string) { return Result<store::AcceptPlan>(); }, near.executor(0),
        [&near] { return near.next(); }, nullptr, nullptr, {}, {}, {}, {}, nullptr};
    queue::Scheduler scheduler(std::move(services));
    const auto start = std::chrono::steady_clock::now();
    scheduler.start();
    while (received < total / 100 * 100 && std::chrono::steady_clock::now() - start < 120s)
        std::this_thread::sleep_for(5ms);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%zu messages relayed in %.2f s: %.0f/s\n", received.load(), took, static_cast<double>(received) / took);
    CHECK(received == total / 100 * 100);
    CHECK(scheduler.stop(5s));
    listener->close();
    sessions.close();
    sessions.wait(2s);
    own.wait(2s);
    near.stop();
    far.stop();
    (*store)->close();
    std::filesystem::remove_all(directory);
}
