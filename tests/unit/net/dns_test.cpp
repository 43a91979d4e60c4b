#include "common/net/dns.hpp"
#include "common/net/dns_fake.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

std::string wire_name(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
}

/// A DNS server of one thread over UDP: answers by a table, keeps silent or fails for some names.
class TinyServer {
  public:
    struct Record {
        std::uint16_t type;
        std::string rdata;
    };
    std::multimap<std::string, Record> records; // fill in before start()
    std::atomic<int> asked{0};

    TinyServer() {
        fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        for (unsigned attempt = 0; attempt < 500; ++attempt) {
            port = static_cast<std::uint16_t>(20000 + (static_cast<unsigned>(::getpid()) * 41 + attempt) % 12000);
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(port);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
                return;
        }
        throw std::runtime_error("no free port");
    }
    ~TinyServer() {
        stopping_ = true;
        thread_.join();
        ::close(fd_);
    }
    void start() {
        thread_ = std::thread([this] { run(); });
    }
    std::uint16_t port = 0;

  private:
    void run() {
        while (!stopping_) {
            pollfd ready{fd_, POLLIN, 0};
            if (::poll(&ready, 1, 20) != 1)
                continue;
            char query[1500];
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const auto got = ::recvfrom(fd_, query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size);
            if (got < 17)
                continue;
            const std::string reply = answer({query, static_cast<std::size_t>(got)});
            if (!reply.empty())
                ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        }
    }
    std::string answer(std::string_view query) {
        ++asked;
        std::string name;
        std::size_t at = 12;
        while (at < query.size() && query[at] != 0) {
            const auto length = static_cast<std::size_t>(query[at]);
            name += (name.empty() ? "" : ".") + std::string(query.substr(at + 1, length));
            at += length + 1;
        }
        for (auto& c : name)
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        const std::string_view question = query.substr(12, at + 5 - 12);
        const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(query[at + 1]) << 8U | static_cast<unsigned char>(query[at + 2]));
        if (name.starts_with("silent"))
            return {};
        std::string answers;
        int count = 0;
        const auto [first, last] = records.equal_range(name);
        for (auto record = first; record != last; ++record)
            if (record->second.type == type || record->second.type == 5) {
                const auto& rdata = record->second.rdata;
                answers += std::string("\xc0\x0c", 2) + std::string{'\0', static_cast<char>(record->second.type), '\0', '\1', '\0', '\0', '\0', '\x3c'} +
                           static_cast<char>(rdata.size() >> 8U) + static_cast<char>(rdata.size() & 255U) + rdata;
                ++count;
            }
        const int rcode = name.starts_with("broken") ? 2 : first == last ? 3 : 0;
        std::string reply(query.substr(0, 2));
        reply += std::string{'\x85', static_cast<char>(0x80 | rcode), '\0', '\1', '\0', static_cast<char>(count), '\0', '\0', '\0', '\0'};
        reply += question;
        return reply + answers;
    }
    int fd_ = -1;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

Task<void> check_fake(FakeResolver& fake) {
    const auto mx = co_await fake.mx("Example.Test");
    REQUIRE(mx);
    REQUIRE(mx->records.size() == 3);
    CHECK(mx->records[0] == MxRecord{5, "first.example.test"});
    CHECK(mx->records[1] == MxRecord{10, "b.example.test"});
    CHECK(mx->secure);
    const auto null_mx = co_await fake.mx("nomail.test");
    REQUIRE(null_mx);
    CHECK(null_mx->records[0].host.empty()); // RFC 7505
    const auto both = co_await fake.addresses("first.example.test");
    REQUIRE(both);
    CHECK(both->records == std::vector<std::string>{"2001:db8::1", "192.0.2.1", "192.0.2.2"});
    const auto one = co_await fake.addresses("four.example.test");
    CHECK(one->records == std::vector<std::string>{"192.0.2.4"});
    const auto alias = co_await fake.addresses("alias.test");
    REQUIRE(alias);
    CHECK(alias->canonical == "four.example.test");
    const auto txt = co_await fake.txt("example.test");
    REQUIRE(txt);
    CHECK(txt->records[0] == std::string(300, 'x'));
    CHECK(txt->records[1].empty());
    const auto tlsa = co_await fake.tlsa("mx.test", 25);
    REQUIRE(tlsa);
    CHECK(tlsa->records[0].usage == 3);
    CHECK(tlsa->records[0].data == "\xff\x01");
    const auto ptr = co_await fake.ptr("192.0.2.1");
    REQUIRE(ptr);
    CHECK(ptr->records[0] == "first.example.test");
    const auto none = co_await fake.mx("absent.test");
    CHECK(none.error().code == ErrorCode::not_found);
    const auto no_data = co_await fake.txt("nomail.test");
    CHECK(no_data.error().code == ErrorCode::not_found);
    const auto failing = co_await fake.addresses("failing.test");
    CHECK(failing.error().code == ErrorCode::temporary);
    const auto loop = co_await fake.addresses("loop.test");
    CHECK(loop.error().code == ErrorCode::temporary);
    const auto bad = co_await fake.ptr("x");
    CHECK(bad.error().code == ErrorCode::invalid);
}

} // namespace

TEST_CASE("FakeResolver answers like DNS") {
    FakeResolver fake;
    fake.add_mx("example.test", 20, "c.example.test");
    fake.add_mx("example.test.", 10, "B.example.test.");
    fake.add_mx("example.test", 5, "first.example.test");
    fake.set_secure("example.test");
    fake.add_mx("nomail.test", 0, ".");
    fake.add_address("first.example.test", "192.0.2.1");
    fake.add_address("first.example.test", "192.0.2.2");
    fake.add_address("first.example.test", "2001:db8::1");
    fake.add_address("four.example.test", "192.0.2.4");
    fake.add_cname("alias.test", "four.example.test");
    fake.add_txt("example.test", std::string(300, 'x'));
    fake.add_txt("example.test", "");
    fake.add_tlsa("mx.test", 25, {3, 1, 1, "\xff\x01"});
    fake.add_ptr("192.0.2.1", "first.example.test");
    fake.set_failure("failing.test", {ErrorCode::temporary, "SERVFAIL"});
    fake.add_cname("loop.test", "loop.test");
    async::run_until_done(check_fake(fake));
    CHECK(fake.queries() > 10);
}

namespace {

/// Record data straight from an attacker.
class RawResolver final : public Resolver {
  public:
    explicit RawResolver(std::vector<std::string> rdata) : rdata_(std::move(rdata)) {}
    Task<Result<DnsRecords>> query(std::string name, DnsType) override {
        DnsRecords records{rdata_, false, 1, std::move(name)};
        co_return records;
    }

  private:
    std::vector<std::string> rdata_;
};

Task<void> check_raw(Resolver& resolver) {
    const auto mx = co_await resolver.mx("x");
    CHECK(!mx);
    const auto four = co_await resolver.ipv4("x");
    CHECK(!four);
    const auto tlsa = co_await resolver.tlsa("x", 25);
    (void)tlsa;
    const auto txt = co_await resolver.txt("x");
    (void)txt;
    const auto ptr = co_await resolver.ptr("192.0.2.1");
    CHECK(!ptr);
}

} // namespace

TEST_CASE("malformed record data is left out") {
    RawResolver raw({"", std::string(1, '\0'), std::string(2, '\0'), std::string("\0\x05\x3f" "abc", 6), std::string("\0\1\1.\0", 5), std::string("\0\1\2a\0\0", 6),
                     std::string("\0\1\xc0\x0c\0", 5), std::string("\0\1\3abc", 6)});
    async::run_until_done(check_raw(raw));
}

namespace {

Task<void> check_unbound(Resolver& resolver) {
    const auto mx = co_await resolver.mx("example.test");
    REQUIRE(mx);
    REQUIRE(mx->records.size() == 2);
    CHECK(mx->records[0] == MxRecord{1, "a.example.test"});
    CHECK(mx->records[1] == MxRecord{2, "b.example.test"});
    CHECK(!mx->secure);
    CHECK(mx->ttl == 60);
    const auto addresses = co_await resolver.addresses("a.example.test");
    REQUIRE(addresses);
    CHECK(addresses->records == std::vector<std::string>{"127.0.0.9"});
    const auto private_name = co_await resolver.ptr("10.1.2.3");
    REQUIRE(private_name);
    CHECK(private_name->records[0] == "host.example.test");
    const auto absent = co_await resolver.mx("absent.example.test");
    REQUIRE(!absent);
    CHECK(absent.error().code == ErrorCode::not_found);
    const auto no_data = co_await resolver.txt("a.example.test");
    REQUIRE(!no_data);
    CHECK(no_data.error().code == ErrorCode::not_found);
    const auto broken = co_await resolver.mx("broken.test");
    REQUIRE(!broken);
    CHECK(broken.error().code == ErrorCode::temporary);
    const auto begun = std::chrono::steady_clock::now();
    const auto silent = co_await resolver.mx("silent.test");
    REQUIRE(!silent);
    CHECK(silent.error().code == ErrorCode::temporary);
    CHECK(std::chrono::steady_clock::now() - begun < 2500ms);
    for (const auto& name : {std::string(), std::string("a b"), std::string("x\\.y"), std::string("a\0b", 3)}) {
        const auto refused = co_await resolver.mx(name);
        CHECK(!refused);
    }
    const std::string too_long(300, 'x');
    const auto long_name = co_await resolver.mx(too_long);
    CHECK(!long_name);
}

/// Counts instead of checking: it runs on other threads, where Catch must not be used.
Task<void> ask_silent(Resolver& resolver, std::string name, std::atomic<int>& temporary) {
    const auto answer = co_await resolver.mx(name);
    if (!answer && answer.error().code == ErrorCode::temporary)
        ++temporary;
}

} // namespace

TEST_CASE("UnboundResolver asks the configured servers, also for test. and private zones") {
    TinyServer server;
    server.records.emplace("example.test", TinyServer::Record{15, std::string("\0\2", 2) + wire_name("b.example.test")});
    server.records.emplace("example.test", TinyServer::Record{15, std::string("\0\1", 2) + wire_name("A.example.test")});
    server.records.emplace("a.example.test", TinyServer::Record{1, std::string("\x7f\0\0\x09", 4)});
    server.records.emplace("3.2.1.10.in-addr.arpa", TinyServer::Record{12, wire_name("host.example.test")});
    server.records.emplace("broken.test", TinyServer::Record{99, ""});
    server.start();
    ResolverOptions options;
    options.servers = {"127.0.0.1:" + std::to_string(server.port)};
    options.timeout = 1s;
    Loop loop;
    auto resolver = UnboundResolver::create(loop.executor(), options);
    REQUIRE(resolver);
    loop.add(check_unbound(**resolver));
    loop.run();
    SECTION("many at once, from threads of their own, and a resolver that goes away") {
        async::Runtime runtime(2);
        async::TaskGroup tasks;
        std::atomic<int> temporary = 0;
        for (int i = 0; i < 200; ++i)
            tasks.spawn(runtime.next(), ask_silent(**resolver, "silent" + std::to_string(i) + ".test", temporary));
        runtime.start();
        std::this_thread::sleep_for(50ms);
        std::atomic<bool> ended = false;
        bool all_ended = false;
        std::thread other([&] {
            all_ended = tasks.wait(10s);
            ended = true;
        });
        const auto keep_loop = [](std::atomic<bool>& flag) -> Task<void> {
            while (!flag)
                co_await async::sleep_for(5ms);
        };
        resolver->reset();
        loop.add(keep_loop(ended));
        loop.run();
        other.join();
        runtime.stop();
        CHECK(all_ended);
        CHECK(temporary == 200);
    }
}

TEST_CASE("wrong resolver settings are told at once") {
    Loop loop;
    for (const char* server : {"", "localhost", "127.0.0.1:0", "*:53", "unix:/x", "1.2.3.4:99999"}) {
        ResolverOptions options;
        options.servers = {server};
        const auto made = UnboundResolver::create(loop.executor(), options);
        REQUIRE(!made);
        CHECK(made.error().code == ErrorCode::invalid);
    }
    ResolverOptions options;
    options.trust_anchor_file = "/nonexistent";
    CHECK(UnboundResolver::create(loop.executor(), options).error().code == ErrorCode::invalid);
    CHECK(UnboundResolver::create(loop.executor(), {}));
}
