// One client session against one scripted server over memory streams; for the tests of smtp_client.
#pragma once

#include "maild/smtp_client/session.hpp"
#include "tests/unit/queue/scripted_server.hpp"

#include <functional>

namespace mail::test {

struct Conversation {
    Script script;
    smtp_client::SessionOptions options;
    std::vector<std::pair<smtp_client::Message, std::string>> messages; ///< sent one after the other, then QUIT
    std::function<std::size_t()> chunk; ///< how the server reads
    std::size_t capacity = 65536;
    bool has_tls = true;
    bool only_probe = false; ///< the envelopes are asked, the messages stay here

    // What came of it.
    smtp_client::Opened opened;
    std::vector<smtp_client::Sent> sent;
    bool usable = false; ///< after the last message, before QUIT
    std::string transcript;
    Seen seen;
};

/// A message from ann@example.test to the given recipients.
[[nodiscard]] smtp_client::Message message_to(std::vector<std::string> recipients);
void run(Conversation& conversation);
/// "temporary 451 4.3.0", for short checks.
[[nodiscard]] std::string brief(const smtp_client::Outcome& outcome);

} // namespace mail::test
