#include "maild/smtp/ehlo.hpp"

#include <algorithm>

namespace mail::smtp {
namespace {

/// RFC 9422 §4: at most six digits, and no zero.
std::string limit_word(std::string_view name, std::size_t value) {
    constexpr std::size_t most = 999999;
    return " " + std::string(name) + "=" + std::to_string(std::clamp<std::size_t>(value, 1, most));
}

} // namespace

std::vector<std::string> ehlo_words(const EhloFacts& facts) {
    std::vector<std::string> words{"PIPELINING", "SIZE " + std::to_string(facts.message_size), "8BITMIME", "SMTPUTF8",
                                   "CHUNKING", "BINARYMIME", "DSN", "ENHANCEDSTATUSCODES"};
    if (facts.offers_tls)
        words.emplace_back("STARTTLS");
    if (!facts.mechanisms.empty()) {
        std::string auth = "AUTH";
        for (const std::string_view name : facts.mechanisms)
            auth += " " + std::string(name);
        words.push_back(std::move(auth));
    }
    if (facts.in_tls) // RFC 8689 §2: only where TLS is in use
        words.emplace_back("REQUIRETLS");
    if (facts.role == Role::submission) {
        // RFC 4865 §4: the longest interval, and the latest time as it follows from it now.
        const Time latest = facts.now + std::chrono::seconds(limit::smtp_hold_seconds);
        words.push_back("FUTURERELEASE " + std::to_string(limit::smtp_hold_seconds) + " " + format_rfc3339(latest));
        words.emplace_back("MT-PRIORITY");
    }
    std::string limits = "LIMITS" + limit_word("RCPTMAX", facts.recipients) + limit_word("MAILMAX", facts.messages);
    if (facts.recipient_domains != 0)
        limits += limit_word("RCPTDOMAINMAX", facts.recipient_domains);
    words.push_back(std::move(limits));
    words.emplace_back("VRFY");
    if (facts.may_etrn)
        words.emplace_back("ETRN");
    if (facts.may_xclient)
        words.emplace_back("XCLIENT NAME ADDR PORT HELO");
    return words;
}

} // namespace mail::smtp
