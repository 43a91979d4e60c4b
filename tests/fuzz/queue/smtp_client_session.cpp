// The client session against any server: the input is what the server says, reply by reply, or with the top bit of the first
// byte all at once and in small pieces. The other bits choose the session's options and the message. Checked: every recipient has an outcome, none is delivered without
// a 2xx having come, and what left has CR LF line ends only (faults O01, O04, O05, O13).
#include "common/net/memory_stream.hpp"
#include "common/net/tls_context.hpp"
#include "maild/smtp_client/session.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

using namespace mail;

namespace {

struct Run {
    std::string input;
    std::uint8_t choice = 0;
    const net::TlsClient* tls = nullptr;
    std::string output;
};

smtp_client::Message message_by(std::uint8_t choice) {
    smtp_client::Message message;
    message.sender = (choice & 1) != 0 ? "ann@example.test" : "";
    message.eight_bit = (choice & 2) != 0;
    message.smtputf8 = (choice & 4) != 0;
    message.envelope_id = "QQ";
    message.recipients = {{"bob@remote.test", "rfc822;bob@remote.test", 4}, {"carol@remote.test", {}, 0}};
    if ((choice & 4) != 0)
        message.recipients.push_back({"d\xC3\xB6rte@remote.test", {}, 0});
    return message;
}

std::shared_ptr<const std::string> content_by(std::uint8_t choice) {
    std::string content = "Subject: t\r\nMIME-Version: 1.0\r\n\r\n.\n.\r\n\rx\n";
    if ((choice & 2) != 0)
        content += "\xC3\xA4\xFF\r\n";
    if ((choice & 8) != 0)
        content = "Subject: clean\r\n\r\n..\r\nbody\r\n";
    return std::make_shared<const std::string>(std::move(content));
}

void check(bool holds) {
    if (!holds)
        std::abort();
}

/// After the reply that begins at `at`: a server waits with the next one for the next command.
std::size_t end_of_reply(std::string_view input, std::size_t at) {
    while (at < input.size()) {
        const std::string_view line = input.substr(at, input.find('\n', at) - at);
        at = std::min(at + line.size() + 1, input.size());
        if (line.size() < 4 || line[3] != '-')
            break;
    }
    return at;
}

Task<void> talk(Run& run) {
    std::size_t turn = run.choice;
    std::size_t at = 0;
    const auto cut = [&turn, &at, &run] {
        if ((run.choice & 128) != 0)
            return turn++ % 7 == 0 ? std::size_t{1} : std::size_t{4096};
        const std::size_t begin = std::exchange(at, end_of_reply(run.input, at));
        return std::max<std::size_t>(at - begin, 1);
    };
    auto stream = net::make_script_stream(run.input, &run.output, cut);
    smtp_client::SessionOptions options;
    options.tls = static_cast<smtp_client::TlsPolicy>((run.choice >> 4) & 3);
    options.tls_client = run.tls;
    options.server_name = "mx.remote.test";
    if ((run.choice & 64) != 0) {
        options.user = "site";
        options.password = Secret("secret");
    }
    smtp_client::Session session(std::move(stream), std::move(options));
    auto opened = co_await session.open();
    check(!opened.outcome.status.empty());
    const smtp_client::Message message = message_by(run.choice);
    for (int i = 0; i < 3 && session.is_usable(); ++i) {
        smtp_client::StringSource source(content_by(run.choice));
        auto sent = co_await session.send(message, source);
        check(sent.outcomes.size() == message.recipients.size());
        for (const auto& outcome : sent.outcomes) {
            check(outcome.status.size() >= 5 && outcome.text.size() <= smtp_client::most_text);
            check(!outcome.is_delivered() || (outcome.code / 100 == 2 && outcome.from_remote));
        }
    }
    co_await session.quit();
}

bool is_clean(const std::string& bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
            return false;
        if (bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n'))
            return false;
    }
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 200'000)
        return 0;
    static const auto tls = net::TlsClient::create();
    Run run;
    run.choice = data[0];
    run.input.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
    run.tls = tls ? tls->get() : nullptr;
    async::run_until_done(talk(run));
    check(is_clean(run.output));
    return 0;
}
