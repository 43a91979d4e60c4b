// Derived: one walk over a message for everything that lists, SORT, THREAD and FETCH need later.
#include "common/mail/bodystructure.hpp"

#include "common/base/text.hpp"
#include "common/mail/date.hpp"
#include "common/mail/envelope.hpp"
#include "common/mail/subject.hpp"

namespace mail {
namespace {

const ListedAddress* first_mailbox(const std::vector<ListedAddress>& list) {
    for (const auto& address : list)
        if (address.kind == ListedAddress::Kind::mailbox)
            return &address;
    return nullptr;
}

/// RFC 5256 §3: FROM, TO and CC sort by the local part of the first address.
std::string sort_key(const std::vector<ListedAddress>& list) {
    const ListedAddress* address = first_mailbox(list);
    return address == nullptr ? std::string{} : casemap(address->mailbox);
}

/// RFC 5957 §3: the display name if there is one, else the address.
std::string display_key(const std::vector<ListedAddress>& list) {
    const ListedAddress* address = first_mailbox(list);
    if (address == nullptr)
        return {};
    return casemap(address->name.empty() ? scrub_utf8(address->address()) : decode_header(address->name));
}

std::string display_text(const std::vector<ListedAddress>& list) {
    const ListedAddress* address = first_mailbox(list);
    if (address == nullptr)
        return {};
    const std::string spec = scrub_utf8(address->host.empty() ? address->mailbox : address->address());
    return address->name.empty() ? spec : decode_header(address->name) + " <" + spec + '>';
}

/// A part that people see as an attachment: said so, or neither text nor an image shown inside an HTML text.
bool is_attachment(const MimeTree& tree, const Part& part) {
    if (part.is_multipart())
        return false;
    if (part.disposition.type == "attachment")
        return true;
    if (part.parent == Part::none || part.is_text())
        return false;
    const Part& parent = tree.parts[part.parent];
    if (parent.is_message())
        return false;
    const bool related =
        parent.subtype == "related" && (!part.id.empty() || part.disposition.type == "inline");
    // Signatures and the machine-readable half of a report are no attachments.
    const bool protocol =
        parent.subtype == "signed" || parent.subtype == "report" || parent.subtype == "encrypted";
    return !related && !protocol;
}

} // namespace

Derived derive(std::string_view message) {
    return derive(message, parse_mime(message));
}

Derived derive(std::string_view message, const MimeTree& tree) {
    Derived d;
    const HeaderView header = parse_header(tree.root().header.of(message));
    const Envelope envelope = make_envelope(header);
    d.envelope.reserve(512);
    append_envelope(d.envelope, envelope);
    append_body_structure(d.body, message, tree, false);
    append_body_structure(d.bodystructure, message, tree, true);

    if (envelope.date)
        if (const auto date = parse_date_time(*envelope.date)) {
            d.date_sent = date->time;
            d.date_sent_day = day_of(*date);
        }
    if (envelope.subject) {
        d.subject = decode_header(*envelope.subject);
        BaseSubject base = base_subject_of_text(d.subject);
        d.base_subject = casemap(base.text);
        d.is_reply = base.is_reply;
    }
    if (envelope.message_id) {
        auto ids = parse_message_ids(*envelope.message_id, 1);
        if (!ids.empty())
            d.message_id = std::move(ids.front());
    }
    if (const Field* references = header.find("References"))
        d.references = parse_message_ids(references->value);
    // RFC 5256 §3 (REFERENCES, 1.A): without References the first id of In-Reply-To is the only reference.
    if (d.references.empty() && envelope.in_reply_to) {
        d.references = parse_message_ids(*envelope.in_reply_to);
        if (d.references.size() > 1)
            d.references.resize(1);
    }
    d.from = sort_key(envelope.from);
    d.to = sort_key(envelope.to);
    d.cc = sort_key(envelope.cc);
    d.from_display = display_key(envelope.from);
    d.to_display = display_key(envelope.to);
    d.from_text = display_text(envelope.from);
    d.preview = make_preview(message, tree);
    for (const Part& part : tree.parts)
        d.has_attachment = d.has_attachment || is_attachment(tree, part);
    return d;
}

} // namespace mail
