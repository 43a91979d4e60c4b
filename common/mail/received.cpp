#include "common/mail/received.hpp"

#include "common/base/text.hpp"
#include "common/mail/date.hpp"

namespace mail {
namespace {

/// A word from outside, fit for a place where only names and numbers belong.
std::string clean_word(std::string_view word) {
    constexpr std::size_t longest = 255;
    std::string out;
    for (char c : word.substr(0, longest)) {
        const bool plain = text::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
                           std::string_view(".-_:[]/+=").find(c) != std::string_view::npos;
        out += plain ? c : '?';
    }
    return out;
}

/// Text inside a comment: no control characters and nothing that ends or nests it.
std::string clean_comment(std::string_view text) {
    constexpr std::size_t longest = 200;
    std::string out;
    for (char c : text.substr(0, longest))
        out +=
            static_cast<unsigned char>(c) < ' ' || c == 0x7F || c == '(' || c == ')' || c == '\\' ? ' ' : c;
    return out;
}

std::string clean_address(std::string_view address) {
    std::string out;
    for (char c : address)
        if (static_cast<unsigned char>(c) >= ' ' && c != 0x7F && c != '<' && c != '>')
            out += c;
    return out;
}

/// RFC 5321 §4.1.3: an IPv6 literal carries its tag.
std::string literal(std::string_view address) {
    const std::string clean = clean_word(address);
    return (clean.find(':') == std::string::npos ? "[" : "[IPv6:") + clean + ']';
}

} // namespace

std::string received_field(const ReceivedInfo& info) {
    std::string out = "Received: ";
    if (!info.helo.empty() || !info.peer_address.empty()) {
        out += "from " + (info.helo.empty() ? "unknown" : clean_word(info.helo));
        if (!info.peer_address.empty()) {
            // RFC 5321 §4.4 TCP-info: ( Domain FWS address-literal ) or the literal alone.
            out += " (" + (info.peer_name.empty() ? std::string{} : clean_word(info.peer_name) + ' ');
            out += literal(info.peer_address) + ')';
        }
        out += "\r\n\t";
    }
    out += "by " + clean_word(info.by);
    if (!info.protocol.empty()) {
        out += " with " + clean_word(info.protocol);
        if (!info.tls.empty())
            out += " (" + clean_comment(info.tls) + ')';
    }
    if (!info.id.empty())
        out += "\r\n\tid " + clean_word(info.id);
    if (!info.for_recipient.empty())
        out += "\r\n\tfor <" + clean_address(info.for_recipient) + '>';
    if (info.priority)
        out += "\r\n\tPRIORITY " + std::to_string(*info.priority);
    out += ";\r\n\t" + format_date(info.time, info.offset_minutes) + "\r\n";
    return out;
}

std::string return_path_field(std::string_view address) {
    return "Return-Path: <" + clean_address(address) + ">\r\n";
}

std::string_view protocol_word(bool lmtp, bool extended, bool tls, bool authenticated, bool utf8) {
    // RFC 3848 §1 for the suffixes, RFC 6531 §3.7.3 for UTF8SMTP and UTF8LMTP.
    static constexpr std::string_view words[4][4] = {{"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
                                                     {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
                                                     {"LMTP", "LMTPS", "LMTPA", "LMTPSA"},
                                                     {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"}};
    if (!lmtp && !extended)
        return "SMTP";
    return words[(lmtp ? 2U : 0U) + (utf8 ? 1U : 0U)][(authenticated ? 2U : 0U) + (tls ? 1U : 0U)];
}

} // namespace mail
