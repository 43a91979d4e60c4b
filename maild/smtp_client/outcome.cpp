#include "maild/smtp_client/outcome.hpp"

#include "common/base/text.hpp"

namespace mail::smtp_client {
namespace {

/// A status for a reply without one (RFC 3463 §2: the class and "other").
std::string plain_status(int code) {
    switch (code) {
    case 421: return "4.3.2"; // service shuts down
    case 450: return "4.2.0"; // mailbox unavailable
    case 452: return "4.3.1"; // no room
    case 530: return "5.7.0"; // sign-in or TLS first
    case 535: return "5.7.8"; // credentials
    case 550: return "5.1.1"; // no such mailbox, or policy
    case 551: return "5.1.6"; // moved
    case 552: return "5.2.2"; // over quota
    case 553: return "5.1.3"; // address syntax
    default: return code < 300 ? "2.0.0" : code < 500 ? "4.0.0" : "5.0.0";
    }
}

std::string cut(std::string text) {
    if (text.size() > most_text)
        text.resize(most_text);
    return text;
}

} // namespace

Outcome outcome_of(const smtp::Reply& reply) {
    Outcome outcome;
    outcome.code = reply.code;
    outcome.from_remote = true;
    outcome.verdict = reply.code < 300              ? Verdict::delivered
                      : reply.is_permanent() ? Verdict::permanent
                                             : Verdict::temporary;
    outcome.status = reply.enhanced.empty() ? plain_status(reply.code) : reply.enhanced;
    outcome.text = cut(reply.text());
    return outcome;
}

Outcome own_outcome(std::string_view status, std::string text) {
    Outcome outcome;
    outcome.status = status;
    outcome.text = cut(std::move(text));
    outcome.verdict = status.starts_with('2')   ? Verdict::delivered
                      : status.starts_with('5') ? Verdict::permanent
                                                : Verdict::temporary;
    return outcome;
}

Outcome outcome_of(const Error& error, std::string_view stage) {
    // RFC 3463 §3.5: 4.4.1 no answer from host, 4.4.2 bad connection; §3.6: 4.5.0 protocol trouble.
    const std::string_view status = error.code == ErrorCode::timeout   ? "4.4.2"
                                    : error.code == ErrorCode::invalid ? "4.5.0"
                                                                       : "4.4.2";
    return own_outcome(status, std::string(stage) + ": " + text::escape(error.message, most_text));
}

} // namespace mail::smtp_client
