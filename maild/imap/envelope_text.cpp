#include "maild/imap/envelope_text.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"

namespace mail::imap {

namespace {

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}
    [[nodiscard]] bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    // nstring; NIL gives an empty one.
    [[nodiscard]] bool string(std::string& out) {
        out.clear();
        if (text_.substr(at_).starts_with("NIL")) {
            at_ += 3;
            return true;
        }
        if (take('"')) {
            while (at_ < text_.size() && text_[at_] != '"') {
                if (text_[at_] == '\\')
                    ++at_;
                if (at_ < text_.size())
                    out += text_[at_++];
            }
            return take('"');
        }
        if (!take('{'))
            return false;
        const auto end = text_.find('}', at_);
        if (end == std::string_view::npos)
            return false;
        const auto size = text::number<std::size_t>(text_.substr(at_, end - at_));
        if (!size || end + 3 > text_.size() || *size > text_.size() - end - 3)
            return false;
        out = text_.substr(end + 3, *size);
        at_ = end + 3 + *size;
        return true;
    }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

// "((name adl mailbox host)(...))" or NIL, as text.
bool read_addresses(Reader& in, std::string* out) {
    std::string name, route, mailbox, host;
    if (!in.take('('))
        return in.string(name);
    while (in.take('(')) {
        if (!in.string(name) || !in.take(' ') || !in.string(route) || !in.take(' ') || !in.string(mailbox) ||
            !in.take(' ') || !in.string(host) || !in.take(')'))
            return false;
        if (out == nullptr)
            continue;
        if (!out->empty())
            *out += ", ";
        if (!name.empty()) {
            *out += decode_header(name);
            *out += ' ';
        }
        *out += '<';
        *out += mailbox;
        if (!host.empty()) {
            *out += '@';
            *out += host;
        }
        *out += '>';
    }
    return in.take(')');
}

} // namespace

std::optional<EnvelopeText> read_envelope(std::string_view envelope, std::uint8_t wanted) {
    using namespace envelope_field;
    EnvelopeText out;
    Reader in(envelope);
    std::string date, subject_raw, in_reply_to, id;
    const auto want = [wanted](std::uint8_t field, std::string& text) {
        return (wanted & field) != 0 ? &text : nullptr;
    };
    const auto list = [&in](std::string* text) { return in.take(' ') && read_addresses(in, text); };
    // RFC 9051 §7.5.2: date, subject, from, sender, reply-to, to, cc, bcc, in-reply-to, message-id
    if (!in.take('(') || !in.string(date) || !in.take(' ') || !in.string(subject_raw) || !list(want(from, out.from)) ||
        !list(nullptr) || !list(nullptr) || !list(want(to, out.to)) || !list(want(cc, out.cc)) ||
        !list(want(bcc, out.bcc)) || !in.take(' ') || !in.string(in_reply_to) || !in.take(' ') || !in.string(id))
        return std::nullopt;
    for (auto* text : {&out.from, &out.to, &out.cc, &out.bcc})
        if (!text->empty())
            *text = casemap(*text);
    if ((wanted & subject) != 0)
        out.subject = casemap(decode_header(subject_raw));
    if ((wanted & message_id) != 0)
        out.message_id = casemap(id);
    return out;
}

} // namespace mail::imap
