#include "tests/unit/queue/scripted_server.hpp"

#include "common/base/text.hpp"
#include "common/net/tls_context.hpp"

namespace mail::test {
namespace {

struct Player {
    Player(net::Stream& the_stream, Seen& the_seen) : stream(the_stream), reader(the_stream), seen(the_seen) {}
    net::Stream& stream;
    net::Reader reader;
    Seen& seen;
};

/// Until `enough` bytes are buffered or the client is gone.
Task<bool> fill(Player& player, std::size_t enough) {
    while (player.reader.buffered().size() < enough) {
        auto more = co_await player.reader.fill();
        if (!more || !*more)
            co_return false;
    }
    co_return true;
}

std::string take(Player& player, std::size_t count) {
    std::string bytes(player.reader.buffered().substr(0, count));
    player.reader.consume(count);
    player.seen.everything += bytes;
    return bytes;
}

/// Up to and with `mark`.
Task<std::string> take_until(Player& player, std::string_view mark) {
    for (;;) {
        const std::size_t at = player.reader.buffered().find(mark);
        if (at != std::string_view::npos)
            co_return take(player, at + mark.size());
        const bool more = co_await fill(player, player.reader.buffered().size() + 1);
        if (!more)
            co_return std::string();
    }
}

Task<bool> take_line(Player& player, std::string_view start) {
    auto got = co_await take_until(player, "\r\n");
    if (!got.empty())
        got.resize(got.size() - 2);
    player.seen.lines.push_back(got);
    if (text::istarts_with(got, start) && !(got.empty() && !start.empty()))
        co_return true;
    player.seen.complaint = "expected \"" + std::string(start) + "\", got \"" + got + "\"";
    co_return false;
}

Task<bool> take_data(Player& player) {
    // An empty message is the end mark alone.
    const bool enough = co_await fill(player, 3);
    (void)enough;
    auto got = player.reader.buffered().starts_with(".\r\n") ? take(player, 3) : std::string();
    if (got.empty())
        got = co_await take_until(player, "\r\n.\r\n");
    if (got.empty())
        player.seen.complaint = "the message does not end";
    player.seen.contents.push_back(got);
    co_return !got.empty();
}

Task<bool> take_bytes(Player& player, std::size_t count) {
    const bool enough = co_await fill(player, count);
    player.seen.contents.push_back(take(player, count));
    if (!enough)
        player.seen.complaint = "too few bytes came";
    co_return enough;
}

Task<bool> step(Player& player, const Step& next) {
    switch (next.kind) {
    case Step::Kind::say: {
        auto written = co_await player.stream.write(next.text);
        co_return written.has_value();
    }
    case Step::Kind::line:
        co_return co_await take_line(player, next.text);
    case Step::Kind::data:
        co_return co_await take_data(player);
    case Step::Kind::bytes:
        co_return co_await take_bytes(player, text::number<std::size_t>(next.text).value_or(0));
    case Step::Kind::tls: {
        auto done = co_await player.stream.start_tls(*tls_identity().server);
        co_return done.has_value();
    }
    case Step::Kind::trickle: {
        for (std::size_t at = 0;; at = (at + 1) % next.text.size()) {
            auto written = co_await player.stream.write(std::string_view(next.text).substr(at, 1));
            if (!written)
                co_return false;
            co_await async::sleep_for(std::chrono::milliseconds(10));
        }
    }
    case Step::Kind::silence: {
        bool more = true;
        while (more)
            more = co_await fill(player, player.reader.buffered().size() + 1);
        co_return false;
    }
    case Step::Kind::cut:
        player.stream.close();
        co_return false;
    }
    co_return false;
}

} // namespace

const TlsIdentity& tls_identity() {
    static const TlsIdentity identity = [] {
        auto pair = net::make_self_signed({"mx.remote.test", "127.0.0.1"}, 2);
        net::TlsCertificate certificate;
        certificate.cert_pem = pair->cert_pem;
        certificate.key_pem = pair->key_pem;
        return TlsIdentity{pair->cert_pem, std::move(*net::TlsServer::create({certificate}))};
    }();
    return identity;
}

Task<void> play(std::unique_ptr<net::Stream> stream, Script script, Seen& seen) {
    Player player(*stream, seen);
    player.stream.set_timeout(std::chrono::seconds(20));
    bool goes_on = true;
    for (std::size_t i = 0; i < script.size() && goes_on; ++i)
        goes_on = co_await step(player, script[i]);
    if (goes_on)
        co_await player.stream.shutdown();
    player.seen.everything += player.reader.buffered();
    player.stream.close();
}

} // namespace mail::test
