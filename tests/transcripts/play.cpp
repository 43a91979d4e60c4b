// play PROTOCOL FILE...: plays transcripts against a House, each in several ways: in memory with the client's bytes whole, one
// by one and cut at random, then over real sockets, plain and inside TLS. Ends with "N passed, N failed".
#include "common/base/text.hpp"
#include "common/net/connect.hpp"
#include "common/net/listener.hpp"
#include "common/net/memory_stream.hpp"
#include "common/net/reader.hpp"
#include "tests/harness/house.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace mail::harness {
namespace {

constexpr auto patience = std::chrono::seconds(30);
constexpr std::size_t longest_line = 1 << 20;

struct Way {
    const char* name;
    bool sockets;
    bool tls;
    std::function<std::size_t()> chunk;
};

/// The client's side. Returns what went wrong, or nothing.
class Player {
  public:
    Player(const Transcript& transcript, net::Stream& stream) : transcript_(transcript), stream_(stream), reader_(stream) {}

    Task<std::string> play() {
        stream_.set_timeout(patience);
        const auto& steps = transcript_.steps;
        for (std::size_t i = 0; i < steps.size();) {
            if (steps[i].kind == Step::Kind::client) {
                std::string out;
                for (; i < steps.size() && steps[i].kind == Step::Kind::client; ++i)
                    out += steps[i].text + "\r\n";
                const auto sent = co_await stream_.write(out);
                static_cast<void>(sent); // a server that closed early shows in what it said
                continue;
            }
            std::string wrong = co_await expect(i);
            if (!wrong.empty())
                co_return std::to_string(steps[i].line) + ": expected \"" + steps[i].text + "\", " + wrong;
            ++i;
        }
        co_return std::string{};
    }

  private:
    Task<std::string> line() {
        auto got = co_await reader_.line(longest_line);
        if (!got) {
            ended_ = true;
            co_return got.error().code == ErrorCode::timeout ? "(nothing came)" : "(the connection ended)";
        }
        co_return std::move(*got);
    }

    Task<std::string> expect(std::size_t& i) {
        const auto& pattern = transcript_.steps[i].text;
        std::string got = co_await line();
        if (pattern == "closed")
            co_return ended_ ? std::string{} : "got \"" + got + "\"";
        if (pattern == "..." && i + 1 < transcript_.steps.size()) {
            ++i; // skip lines until the next expectation holds
            while (!ended_ && !matches(transcript_.steps[i].text, got))
                got = co_await line();
        } else if (is_multiline(pattern)) {
            while (!ended_ && got.starts_with(pattern.substr(0, 4)))
                got = co_await line();
            co_return !ended_ && got.starts_with(pattern.substr(0, 3) + " ") ? std::string{} : "got \"" + got + "\"";
        }
        co_return !ended_ && matches(transcript_.steps[i].text, got) ? std::string{} : "got \"" + got + "\"";
    }

    const Transcript& transcript_;
    net::Stream& stream_;
    net::Reader reader_;
    bool ended_ = false;
};

Task<void> serve(House& house, std::shared_ptr<const ListenerSettings> settings, std::unique_ptr<net::Stream> stream,
                 bool tls) {
    if (tls) {
        const auto secured = co_await stream->start_tls(*settings->tls);
        if (!secured)
            co_return;
    }
    co_await run_session(house.services(), std::move(settings), std::move(stream), "test");
}

Task<void> play_memory(const Transcript& transcript, std::unique_ptr<net::Stream> stream, std::string& wrong) {
    Player player(transcript, *stream);
    wrong = co_await player.play();
    stream->close();
}

Task<void> play_sockets(const Transcript& transcript, net::Listener& listener, House& house,
                        std::shared_ptr<const ListenerSettings> settings, async::TaskGroup& group,
                        async::Executor executor, bool tls, const net::TlsClient& client, std::string& wrong) {
    auto stream = co_await net::connect_tcp("127.0.0.1", listener.port(), patience);
    auto accepted = co_await listener.accept();
    if (!stream || !accepted) {
        wrong = "cannot connect";
        co_return;
    }
    group.spawn(executor, serve(house, std::move(settings), std::move(*accepted), tls));
    if (tls) {
        net::TlsExpectation expectation;
        expectation.server_name = "localhost";
        const auto secured = co_await (*stream)->start_tls(client, std::move(expectation));
        if (!secured) {
            wrong = "TLS: " + secured.error().message;
            co_return;
        }
    }
    Player player(transcript, **stream);
    wrong = co_await player.play();
    (*stream)->close();
}

std::string play_once(const Transcript& transcript, const std::string& protocol, const Way& way) {
    House house;
    for (const auto& given : transcript.given)
        if (const auto added = house.add(given); !added)
            return std::to_string(given.line) + ": given: " + added.error().message;
    const auto settings = house.listener(protocol, transcript.plaintext);
    async::Runtime runtime(1);
    async::TaskGroup group;
    const auto executor = runtime.executor(0);
    std::string wrong = "it did not end";
    std::unique_ptr<net::Listener> listener;
    const auto client = net::TlsClient::create();
    if (!client)
        return client.error().message;
    if (way.sockets) {
        auto opened = net::Listener::open(executor, net::BindAddress{net::BindKind::tcp4, "127.0.0.1", 0, -1});
        if (!opened)
            return opened.error().message;
        listener = std::move(*opened);
        group.spawn(executor, play_sockets(transcript, *listener, house, settings, group, executor, way.tls, **client, wrong));
    } else {
        net::MemoryOptions options;
        options.chunk = way.chunk;
        auto [server_end, client_end] = net::make_memory_pair(std::move(options));
        group.spawn(executor, serve(house, settings, std::move(server_end), false));
        group.spawn(executor, play_memory(transcript, std::move(client_end), wrong));
    }
    runtime.start();
    if (!group.wait(patience)) {
        group.cancel();
        group.wait(std::chrono::seconds(2));
    }
    house.companions().cancel();
    house.companions().wait(std::chrono::seconds(2));
    runtime.stop();
    return wrong;
}

std::vector<Way> ways(const Transcript& transcript, unsigned seed) {
    if (transcript.only_tls)
        return {{"TLS socket", true, true, {}}};
    std::vector<Way> out{{"socket", true, false, {}}};
    if (!transcript.only_sockets)
        out.push_back({"whole", false, false, {}});
    if (!transcript.only_whole && !transcript.only_sockets) {
        auto random = std::make_shared<std::mt19937>(seed);
        out.push_back({"byte by byte", false, false, [] { return std::size_t{1}; }});
        out.push_back({"cut at random", false, false, [random] { return std::size_t{1} + (*random)() % 17; }});
    }
    if (!transcript.only_plain)
        out.push_back({"TLS socket", true, true, {}});
    return out;
}

int run(int argc, char** argv) {
    unsigned passed = 0, failed = 0;
    const std::string protocol = argc > 1 ? argv[1] : "";
    const unsigned seed = std::random_device{}();
    for (int i = 2; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        const auto transcript = parse_transcript(text);
        if (!transcript) {
            std::printf("FAIL %s:%s\n", argv[i], transcript.error().message.c_str());
            ++failed;
            continue;
        }
        for (const auto& way : ways(*transcript, seed)) {
            const auto wrong = play_once(*transcript, protocol, way);
            if (wrong.empty()) {
                ++passed;
                continue;
            }
            ++failed;
            std::printf("FAIL %s:%s\n     (%s; %s; seed %u)\n", argv[i], wrong.c_str(), transcript->rule.c_str(), way.name, seed);
        }
    }
    std::printf("%u passed, %u failed\n", passed, failed);
    return failed != 0 || passed == 0 ? 1 : 0;
}

} // namespace
} // namespace mail::harness

int main(int argc, char** argv) { return mail::harness::run(argc, argv); }
