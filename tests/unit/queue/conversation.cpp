#include "tests/unit/queue/conversation.hpp"

#include "common/net/memory_stream.hpp"
#include "common/net/tls_context.hpp"

#include "tests/catch.hpp"

#include <boost/asio/this_coro.hpp>

namespace mail::test {
namespace {

using smtp_client::Session;

Task<void> talk(Conversation& c, std::unique_ptr<net::Stream> stream) {
    Session session(std::move(stream), c.options);
    c.opened = co_await session.open();
    c.transcript = session.transcript();
    if (c.opened.outcome.is_delivered()) {
        for (const auto& [message, content] : c.messages) {
            smtp_client::StringSource source(std::make_shared<const std::string>(content));
            smtp_client::Sent sent;
            if (c.only_probe)
                sent = co_await session.probe(message);
            else
                sent = co_await session.send(message, source);
            c.sent.push_back(std::move(sent));
            c.transcript += session.transcript();
        }
        c.usable = session.is_usable();
    }
    co_await session.quit();
}

Task<void> both(Conversation& c) {
    auto executor = co_await boost::asio::this_coro::executor;
    net::MemoryOptions options;
    options.capacity = c.capacity;
    options.chunk = c.chunk;
    auto ends = net::make_memory_pair(std::move(options));
    async::TaskGroup group;
    group.spawn(executor, play(std::move(ends.first), c.script, c.seen));
    co_await talk(c, std::move(ends.second));
    while (group.size() > 0)
        co_await async::sleep_for(std::chrono::milliseconds(1));
}

} // namespace

smtp_client::Message message_to(std::vector<std::string> recipients) {
    smtp_client::Message message;
    message.sender = "ann@example.test";
    for (std::string& recipient : recipients)
        message.recipients.push_back({std::move(recipient), {}, 0});
    return message;
}

void run(Conversation& conversation) {
    auto client = net::TlsClient::create();
    REQUIRE(client);
    if (conversation.has_tls)
        conversation.options.tls_client = client->get();
    if (conversation.options.server_name.empty())
        conversation.options.server_name = "mx.remote.test";
    conversation.options.ehlo = "mx.example.test";
    async::run_until_done(both(conversation));
}

std::string brief(const smtp_client::Outcome& outcome) {
    const std::string verdict = outcome.verdict == smtp_client::Verdict::delivered   ? "delivered"
                                : outcome.verdict == smtp_client::Verdict::temporary ? "temporary"
                                                                                     : "permanent";
    return verdict + " " + std::to_string(outcome.code) + " " + outcome.status;
}

} // namespace mail::test
