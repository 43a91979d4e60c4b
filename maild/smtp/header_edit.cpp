#include "maild/smtp/header_edit.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"

#include <algorithm>
#include <vector>

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

using service::SendRight;

/// What the author named in a field may be said to be.
SendRight right_of(const HeaderRules& rules, const ListedAddress& listed) {
    return rules.right(Address{listed.mailbox, listed.host});
}

/// Whether Sender is needed, or why the authors are refused.
struct Authors {
    std::optional<Reply> refusal;
    bool others = false; ///< somebody else's name is used, or several are named
};

/// faults A14: every author named in From must be an address the signed-in user may send with.
Authors check_authors(const HeaderView& header, const HeaderRules& rules) {
    Authors out;
    std::size_t count = 0;
    for (const Field& field : header.fields) {
        if (!text::iequals(field.name, "From"))
            continue;
        const auto authors = parse_mailboxes(field.value);
        if (authors.empty())
            out.refusal = Reply(550, "5.6.0", "The From field names nobody");
        for (const ListedAddress& author : authors) {
            const SendRight right = right_of(rules, author);
            if (right == SendRight::none)
                out.refusal = Reply(550, "5.7.1", "The From field names an address that is not yours");
            out.others = out.others || right == SendRight::on_behalf || ++count > 1;
        }
        if (out.refusal)
            break;
    }
    return out;
}

/// One Sender field that names one address, which the user may send with without another word.
bool is_sender_right(const HeaderView& header, const HeaderRules& rules) {
    if (header.count("Sender") != 1)
        return false;
    const auto named = parse_mailboxes(header.value("Sender"));
    return named.size() == 1 && right_of(rules, named.front()) >= SendRight::as;
}

bool is_for_another(const HeaderRules& rules) {
    const auto sender = parse_address(rules.sender);
    return sender && rules.right(*sender) == SendRight::on_behalf;
}

std::string author_mailbox(const service::Mailbox& author) { return format_mailbox(author.display_name, author.address); }

/// Fields that go, and what is added, so that From and Sender tell the truth.
std::vector<std::string_view> repair_sender(const HeaderView& fields, const HeaderRules& rules, bool others, HeaderEdit& edit) {
    std::vector<std::string_view> unwanted{"Bcc", "Resent-Bcc"};
    if (fields.find("From") == nullptr) {
        if (!rules.sender.empty())
            edit.added += make_field("From", "<" + rules.sender + ">");
        else if (rules.author)
            edit.added += make_field("From", author_mailbox(*rules.author));
    }
    if (!rules.author || is_sender_right(fields, rules))
        return unwanted;
    if (fields.find("Sender") != nullptr)
        unwanted.push_back("Sender");
    if (others || fields.find("Sender") != nullptr)
        edit.added += make_field("Sender", author_mailbox(*rules.author));
    return unwanted;
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
    Authors authors;
    if (rules.author)
        authors = check_authors(fields, rules);
    if (authors.refusal) {
        edit.refusal = std::move(authors.refusal);
        return edit;
    }
    edit.added = missing_fields(kept, rules.now, rules.unique, rules.hostname);
    if (fields.find("Message-ID") == nullptr)
        edit.message_id = rules.unique + "@" + rules.hostname;
    // An author who sends on behalf of the envelope's sender without naming anybody: the same as in From.
    const bool for_another = rules.author && fields.find("From") == nullptr && !rules.sender.empty() && is_for_another(rules);
    const auto unwanted = repair_sender(fields, rules, authors.others || for_another, edit);
    if (std::any_of(unwanted.begin(), unwanted.end(), [&](std::string_view name) { return fields.find(name) != nullptr; }))
        edit.changed = remove_fields(kept, unwanted);
    // Text without any header: what was added must not swallow its first lines.
    const bool has_fields = !fields.fields.empty() && !fields.fields.front().name.empty();
    if (!edit.added.empty() && !has_fields && !fields.has_separator)
        edit.added += "\r\n";
    return edit;
}

} // namespace mail::smtp
