#include "common/mail/dsn.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/date.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"

#include <algorithm>

namespace mail {
namespace {

constexpr std::size_t most_header{limit::report_header};
constexpr std::size_t most_message{limit::report_message};
constexpr std::size_t most_reply = 2000; // bytes of a remote's words

struct ActionWords {
    std::string_view field; ///< RFC 3464 §2.3.3
    std::string_view subject;
    std::string_view opening; ///< first sentence for people
    char status_class;
};

const ActionWords& words_of(DsnAction action) {
    static constexpr ActionWords table[] = {
        {"failed", "Your message could not be delivered", "Your message could not be delivered to", '5'},
        {"delayed", "Your message is delayed", "Your message has not been delivered yet to", '4'},
        {"delivered", "Your message was delivered", "Your message was delivered to", '2'},
        {"relayed", "Your message was passed on",
         "Your message was passed on to a server that sends no reports, for", '2'},
        {"expanded", "Your message was passed on", "Your message was passed on to the members of", '2'},
    };
    return table[static_cast<std::size_t>(action)];
}

/// The worst action names the report.
DsnAction overall(const Dsn& dsn) {
    DsnAction action = DsnAction::expanded;
    for (const auto& recipient : dsn.recipients)
        action = std::min(action, recipient.action);
    return dsn.recipients.empty() ? DsnAction::failed : action;
}

bool is_status(std::string_view s) noexcept {
    // RFC 3463 §2: class "." subject "." detail.
    const auto parts = text::split(s.substr(0, 12), '.');
    if (parts.size() != 3 || parts[0].size() != 1 ||
        std::string_view("245").find(parts[0][0]) == std::string_view::npos)
        return false;
    return std::all_of(parts.begin() + 1, parts.end(), [](std::string_view part) {
        return part.size() <= 3 && text::number<unsigned>(part).has_value();
    });
}

std::string status_of(const DsnRecipient& recipient) {
    const char wanted = words_of(recipient.action).status_class;
    if (is_status(recipient.status) && recipient.status[0] == wanted)
        return recipient.status;
    // RFC 3464 §2.3.4: the class agrees with the action.
    if (is_status(recipient.status))
        return wanted + recipient.status.substr(1);
    return std::string(1, wanted) + ".0.0";
}

/// One line of clean text; ASCII unless the report is international.
std::string one_line(std::string_view text, bool utf8) {
    std::string out;
    for (char c : scrub_utf8(text.substr(0, most_reply))) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < ' ' || byte == 0x7F) {
            if (!out.empty() && out.back() != ' ')
                out += ' ';
        } else {
            out += byte < 0x80 || utf8 ? c : '?';
        }
    }
    return std::string(text::trim(out));
}

std::string typed_address(const std::string& address, bool utf8) {
    // RFC 6533 §3: utf-8 addresses have their own type.
    const std::string clean = one_line(address, utf8);
    return (text::is_ascii(clean) ? "rfc822; " : "utf-8; ") + clean;
}

std::string typed_original(const std::string& original, bool utf8) {
    const auto semicolon = original.find(';');
    if (semicolon == std::string::npos)
        return typed_address(original, utf8);
    return one_line(original.substr(0, semicolon), false) + "; " +
           one_line(original.substr(semicolon + 1), utf8);
}

void append_reply(std::string& out, std::string_view reply) {
    reply = reply.substr(0, most_reply);
    while (!reply.empty()) {
        const std::size_t end = std::min(reply.find('\n'), reply.size());
        const std::string line = one_line(reply.substr(0, end), true);
        if (!line.empty())
            out += "    " + line + "\r\n";
        reply.remove_prefix(std::min(end + 1, reply.size()));
    }
}

void append_human_recipient(std::string& out, const Dsn& dsn, const DsnRecipient& recipient) {
    out += std::string(words_of(recipient.action).opening) + "\r\n\r\n    " +
           one_line(recipient.address, true) + "\r\n\r\n";
    if (!recipient.reply.empty()) {
        out += recipient.remote_mta.empty()
                   ? std::string("The other server said:\r\n\r\n")
                   : "The server " + one_line(recipient.remote_mta, true) + " said:\r\n\r\n";
        append_reply(out, recipient.reply);
        out += "\r\n";
    } else if (!recipient.reason.empty()) {
        out += "Reason: " + one_line(recipient.reason, true) + "\r\n\r\n";
    }
    if (recipient.action == DsnAction::failed)
        out += explain_status(status_of(recipient)) + "\r\n\r\n";
    if (recipient.action == DsnAction::delayed) {
        out += "You do not need to do anything: " + one_line(dsn.reporting_mta, true) + " keeps trying";
        if (recipient.retry_until)
            out += " until\r\n" + format_date(*recipient.retry_until);
        out += ".\r\nDo not send the message again, or it may arrive twice.\r\n\r\n";
    }
}

/// RFC 3464 §2.1.1: a first part for people.
std::string human_part(const Dsn& dsn, bool& utf8) {
    std::string text = "This is the mail system at " + one_line(dsn.reporting_mta, true) + ".\r\n\r\n";
    for (const auto& recipient : dsn.recipients)
        append_human_recipient(text, dsn, recipient);
    text +=
        dsn.return_full ? "Your message follows below.\r\n" : "The header of your message follows below.\r\n";
    utf8 = !text::is_ascii(text);
    return text;
}

void append_recipient_fields(std::string& out, const DsnRecipient& recipient, bool utf8) {
    out += "\r\n"; // RFC 3464 §2.1.2: an empty line between the groups
    if (!recipient.original.empty())
        out += make_field("Original-Recipient", typed_original(recipient.original, utf8));
    out += make_field("Final-Recipient", typed_address(recipient.address, utf8));
    out += make_field("Action", words_of(recipient.action).field);
    out += make_field("Status", status_of(recipient));
    if (!recipient.remote_mta.empty())
        out += make_field("Remote-MTA", "dns; " + one_line(recipient.remote_mta, utf8));
    if (!recipient.reply.empty())
        out += make_field("Diagnostic-Code", "smtp; " + one_line(recipient.reply, utf8));
    else if (!recipient.reason.empty())
        out += make_field("Diagnostic-Code", "x-maild; " + one_line(recipient.reason, utf8));
    if (recipient.last_attempt)
        out += make_field("Last-Attempt-Date", format_date(*recipient.last_attempt));
    // RFC 3464 §2.3.9: only for delayed.
    if (recipient.retry_until && recipient.action == DsnAction::delayed)
        out += make_field("Will-Retry-Until", format_date(*recipient.retry_until));
}

std::string status_part(const Dsn& dsn, bool utf8) {
    std::string out;
    // RFC 3464 §2.2.1: only when the sender gave one.
    if (!dsn.envelope_id.empty())
        out += make_field("Original-Envelope-Id", one_line(dsn.envelope_id, false));
    out += make_field("Reporting-MTA", "dns; " + one_line(dsn.reporting_mta, false));
    if (dsn.arrival)
        out += make_field("Arrival-Date", format_date(*dsn.arrival));
    for (const auto& recipient : dsn.recipients)
        append_recipient_fields(out, recipient, utf8);
    return out;
}

std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 64);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        // A bare CR and a NUL may not travel (RFC 5322 §2.2, §3.5).
        if (text[i] != '\0' && (text[i] != '\r' || (i + 1 < text.size() && text[i + 1] == '\n')))
            out += text[i];
    }
    if (!out.empty() && !out.ends_with('\n'))
        out += "\r\n";
    return out;
}

/// Whole lines of the original's header, at most most_header bytes.
std::string_view header_of(std::string_view original) {
    std::string_view header = parse_header(original).section;
    if (header.size() > most_header) {
        header = header.substr(0, most_header);
        header = header.substr(0, header.rfind('\n') + 1);
    }
    return header;
}

/// A boundary that is no line of any part.
std::string boundary_for(const Dsn& dsn, std::string_view content) {
    std::string base = "=_report_";
    for (char c : dsn.message_id)
        if (text::is_alnum(c) && base.size() < 40)
            base += c;
    std::string boundary = base;
    for (unsigned i = 0; content.find(boundary) != std::string_view::npos && i < 1000; ++i)
        boundary = base + '_' + std::to_string(i);
    return boundary;
}

std::string report_header(const Dsn& dsn, bool utf8, std::string_view boundary) {
    const std::string from = one_line(dsn.from, utf8);
    std::string out = make_field("From", format_mailbox("Mail Delivery System", from));
    out += make_field("To", '<' + one_line(dsn.to, utf8) + '>');
    out += make_field("Subject", words_of(overall(dsn)).subject);
    out += make_field("Date", format_date(dsn.now));
    out += make_field("Message-ID", '<' + one_line(dsn.message_id, false) + '>');
    const auto ids = parse_message_ids(parse_header(header_of(dsn.original)).value("Message-ID"), 1);
    if (!ids.empty() && text::is_ascii(ids.front()) && ids.front().size() < 900) {
        out += make_field("In-Reply-To", ids.front());
        out += make_field("References", ids.front());
    }
    out += "Auto-Submitted: auto-replied\r\n"; // RFC 3834 §5
    out += "MIME-Version: 1.0\r\n";
    out += "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" +
           std::string(boundary) + "\"\r\n";
    return out;
}

} // namespace

bool dsn_needs_utf8(const Dsn& dsn) noexcept {
    bool ascii =
        text::is_ascii(dsn.to) && text::is_ascii(dsn.from) && text::is_ascii(header_of(dsn.original));
    for (const auto& recipient : dsn.recipients)
        ascii = ascii && text::is_ascii(recipient.address) && text::is_ascii(recipient.original);
    return !ascii;
}

std::string build_dsn(const Dsn& dsn) {
    const bool utf8 = dsn_needs_utf8(dsn);
    bool human_utf8 = false;
    std::string human = human_part(dsn, human_utf8);
    if (human_utf8)
        human = encode_quoted_printable(human);
    const std::string status = status_part(dsn, utf8);
    const bool full = dsn.return_full && dsn.original.size() <= most_message;
    const std::string returned = with_crlf(full ? dsn.original : header_of(dsn.original));
    const std::string boundary = boundary_for(dsn, human + status + returned);

    std::string out = report_header(dsn, utf8, boundary);
    const std::string open = "\r\n--" + boundary + "\r\n";
    out += open + "Content-Type: text/plain; charset=utf-8\r\n";
    if (human_utf8)
        out += "Content-Transfer-Encoding: quoted-printable\r\n";
    out += "\r\n" + human;
    // RFC 6533 §3, §4: the global types where an address or the header needs them.
    out += open + (utf8 ? "Content-Type: message/global-delivery-status\r\n"
                        : "Content-Type: message/delivery-status\r\n");
    if (!text::is_ascii(status))
        out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\n" + status;
    const std::string_view whole_type = utf8 ? "message/global" : "message/rfc822";
    const std::string_view header_type = utf8 ? "message/global-headers" : "text/rfc822-headers";
    out += open + "Content-Type: " + std::string(full ? whole_type : header_type) + "\r\n";
    if (!text::is_ascii(returned))
        out += "Content-Transfer-Encoding: 8bit\r\n";
    out += "\r\n" + returned + "\r\n--" + boundary + "--\r\n";
    return out;
}

} // namespace mail
