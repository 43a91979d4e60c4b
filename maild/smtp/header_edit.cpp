#include "maild/smtp/header_edit.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"

namespace mail::smtp {
namespace {

std::string message_id_of(const HeaderView& header) {
    std::string id = unfold(header.value("Message-ID"));
    if (id.size() > 2 && id.front() == '<' && id.back() == '>')
        id = id.substr(1, id.size() - 2);
    return id.size() <= 500 && text::is_utf8(id) ? id : std::string();
}

std::string subject_of(const HeaderView& header) {
    constexpr std::size_t most_raw = 1000;
    constexpr std::size_t most = 200;
    const std::string subject = decode_header(header.value("Subject").substr(0, most_raw));
    return std::string(truncate_utf8(subject, most));
}

/// faults A14: every author named in From must be an address the signed-in user may send as.
std::optional<Reply> check_authors(const HeaderView& header, const service::Mailbox& mailbox) {
    for (const Field& field : header.fields) {
        if (!text::iequals(field.name, "From"))
            continue;
        const auto authors = parse_mailboxes(field.value);
        if (authors.empty())
            return Reply(550, "5.6.0", "The From field names nobody");
        for (const ListedAddress& author : authors) {
            if (!mailbox.may_send_as(address_key(Address{author.mailbox, author.host})))
                return Reply(550, "5.7.1", "The From field names an address that is not yours");
        }
    }
    return std::nullopt;
}

} // namespace

std::string HeaderEdit::apply(std::string_view header) const {
    std::string out = added;
    if (changed)
        out += *changed;
    else
        out += header.substr(skip);
    return out;
}

HeaderEdit edit_header(std::string_view header, const HeaderRules& rules) {
    HeaderEdit edit;
    if (header.size() > std::size_t{limit::header_bytes}) {
        edit.refusal = Reply(552, "5.3.4", "Message header too large");
        return edit;
    }
    // RFC 5321 §6.3: many Received fields mean that the message goes in circles.
    if (count_received(header) > std::size_t{limit::received_hops}) {
        edit.refusal = Reply(554, "5.4.6", "Routing loop: too many hops");
        return edit;
    }
    const std::string_view kept = without_return_path(header);
    edit.skip = header.size() - kept.size();
    edit.needs_utf8 = !text::is_ascii(kept);
    const HeaderView fields = parse_header(kept);
    edit.message_id = message_id_of(fields);
    edit.subject = subject_of(fields);
    if (!rules.submission)
        return edit;
    if (rules.author) {
        edit.refusal = check_authors(fields, *rules.author);
        if (edit.refusal)
            return edit;
    }
    edit.added = missing_fields(kept, rules.now, rules.unique, rules.hostname);
    if (fields.find("Message-ID") == nullptr)
        edit.message_id = rules.unique + "@" + rules.hostname;
    if (fields.find("From") == nullptr && !rules.sender.empty())
        edit.added += make_field("From", "<" + rules.sender + ">");
    if (fields.find("Bcc") != nullptr) {
        constexpr std::string_view names[] = {"Bcc"};
        edit.changed = remove_fields(kept, names);
    }
    // Text without any header: what was added must not swallow its first lines.
    const bool has_fields = !fields.fields.empty() && !fields.fields.front().name.empty();
    if (!edit.added.empty() && !has_fields && !fields.has_separator)
        edit.added += "\r\n";
    return edit;
}

} // namespace mail::smtp
