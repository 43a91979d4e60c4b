#include "common/mail/envelope.hpp"

#include "common/base/text.hpp"

namespace mail {
namespace {

std::optional<std::string> text_of(const HeaderView& header, std::string_view name) {
    const Field* field = header.find(name);
    if (field == nullptr)
        return std::nullopt;
    return unfold(field->value);
}

std::vector<ListedAddress> list_of(const HeaderView& header, std::string_view name) {
    const Field* field = header.find(name);
    return field == nullptr ? std::vector<ListedAddress>{} : parse_address_list(field->value);
}

void append_part(std::string& out, const std::string& value, bool nil_when_empty) {
    if (value.empty() && nil_when_empty)
        out += "NIL";
    else
        append_string(out, value);
}

/// RFC 9051 §7.5.2: (name adl mailbox host); a NIL host marks a group's start, a NIL mailbox with it its end.
/// A real mailbox that lacks either therefore has empty strings there.
void append_address(std::string& out, const ListedAddress& address) {
    using Kind = ListedAddress::Kind;
    out += '(';
    append_part(out, address.name, true);
    out += ' ';
    append_part(out, address.route, true);
    out += ' ';
    append_part(out, address.mailbox, address.kind == Kind::group_end);
    out += ' ';
    append_part(out, address.host, address.kind != Kind::mailbox);
    out += ')';
}

void append_list(std::string& out, const std::vector<ListedAddress>& list) {
    if (list.empty()) {
        out += "NIL";
        return;
    }
    out += '(';
    for (const auto& address : list)
        append_address(out, address);
    out += ')';
}

} // namespace

Envelope make_envelope(const HeaderView& header) {
    Envelope e;
    e.date = text_of(header, "Date");
    e.subject = text_of(header, "Subject");
    e.from = list_of(header, "From");
    e.sender = list_of(header, "Sender");
    e.reply_to = list_of(header, "Reply-To");
    // RFC 9051 §7.5.2: a missing or empty Sender or Reply-To is filled from From by the server.
    if (e.sender.empty())
        e.sender = e.from;
    if (e.reply_to.empty())
        e.reply_to = e.from;
    e.to = list_of(header, "To");
    e.cc = list_of(header, "Cc");
    e.bcc = list_of(header, "Bcc");
    e.in_reply_to = text_of(header, "In-Reply-To");
    e.message_id = text_of(header, "Message-ID");
    return e;
}

void append_envelope(std::string& out, const Envelope& envelope) {
    out += '(';
    append_nstring(out, envelope.date);
    out += ' ';
    append_nstring(out, envelope.subject);
    for (const auto* list :
         {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc}) {
        out += ' ';
        append_list(out, *list);
    }
    out += ' ';
    append_nstring(out, envelope.in_reply_to);
    out += ' ';
    append_nstring(out, envelope.message_id);
    out += ')';
}

void append_string(std::string& out, std::string_view value, bool utf8_quoted) {
    constexpr std::size_t longest_quoted = 1000;
    bool ascii = true, line = true, nul = false, plain = true;
    for (char c : value) {
        ascii = ascii && static_cast<unsigned char>(c) < 0x80;
        line = line && c != '\r' && c != '\n';
        nul = nul || c == '\0';
        plain = plain && c != '"' && c != '\\';
    }
    if (line && !nul && value.size() <= longest_quoted && (ascii || (utf8_quoted && text::is_utf8(value)))) {
        out += '"';
        if (plain) {
            out += value;
        } else {
            for (char c : value) {
                if (c == '"' || c == '\\')
                    out += '\\';
                out += c;
            }
        }
        out += '"';
        return;
    }
    // RFC 9051 §9: a literal may hold any byte but NUL.
    std::string clean;
    if (nul) {
        for (char c : value)
            if (c == '\0')
                clean += "\xEF\xBF\xBD";
            else
                clean += c;
        value = clean;
    }
    out += '{';
    out += std::to_string(value.size());
    out += "}\r\n";
    out += value;
}

void append_nstring(std::string& out, const std::optional<std::string>& value, bool utf8_quoted) {
    if (value)
        append_string(out, *value, utf8_quoted);
    else
        out += "NIL";
}

} // namespace mail
