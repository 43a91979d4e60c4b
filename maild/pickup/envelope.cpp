#include "maild/pickup/envelope.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"

#include <set>

namespace mail::pickup {
namespace {

/// Programs on this machine write lines as the machine does; a CR alone is nobody's line end (SMTP smuggling).
Result<std::string> with_crlf(std::string_view file) {
    std::string out;
    out.reserve(file.size() + file.size() / 32);
    for (std::size_t i = 0; i < file.size(); ++i) {
        if (file[i] == '\n') {
            out += "\r\n";
        } else if (file[i] == '\r') {
            if (i + 1 == file.size() || file[i + 1] != '\n')
                return fail(ErrorCode::invalid, "a CR stands alone: lines end in CR LF or LF");
        } else {
            out += file[i];
        }
    }
    if (!out.ends_with("\r\n"))
        out += "\r\n";
    return out;
}

/// "<ann@example.org>", "ann@example.org"; "<>" and nothing are the null reverse-path.
Result<std::optional<Address>> envelope_address(const Field& field) {
    const std::string value = unfold(field.value);
    std::string_view text = value;
    if (text.size() >= 2 && text.front() == '<' && text.back() == '>')
        text = text.substr(1, text.size() - 2);
    if (text.empty())
        return std::optional<Address>();
    auto address = parse_address(text);
    if (!address)
        return fail(ErrorCode::invalid, std::string(field.name) + " is no address: " + address.error().message);
    return std::optional<Address>(std::move(*address));
}

Result<Address> listed_address(const ListedAddress& listed, std::string_view field) {
    auto address = parse_address(listed.address());
    if (!address)
        return fail(ErrorCode::invalid, std::string(field) + " names no address: " + address.error().message);
    return address;
}

Result<std::optional<Address>> sender_of(const HeaderView& header) {
    if (const Field* field = header.find("X-Sender"))
        return envelope_address(*field);
    for (const std::string_view name : {"Sender", "From"}) {
        const auto named = parse_mailboxes(header.value(name));
        if (named.empty())
            continue;
        MAIL_TRY(auto address, listed_address(named.front(), name));
        return std::optional<Address>(std::move(address));
    }
    return fail(ErrorCode::invalid, "there is no sender: neither X-Sender nor From");
}

class Recipients {
  public:
    Result<void> add(Address address) {
        if (!seen_.insert(address_key(address)).second)
            return {};
        if (list.size() >= static_cast<std::size_t>(limit::smtp_recipients))
            return fail(ErrorCode::too_large, "more than " + std::to_string(limit::smtp_recipients) + " recipients");
        list.push_back(std::move(address));
        return {};
    }
    std::vector<Address> list;

  private:
    std::set<std::string> seen_;
};

Result<std::vector<Address>> recipients_of(const HeaderView& header) {
    Recipients out;
    for (const Field& field : header.fields) {
        if (!text::iequals(field.name, "X-Receiver"))
            continue;
        MAIL_TRY(auto address, envelope_address(field));
        if (!address)
            return fail(ErrorCode::invalid, "X-Receiver names nobody");
        MAIL_DO(out.add(std::move(*address)));
    }
    for (const std::string_view name : {"To", "Cc", "Bcc"}) {
        if (header.find("X-Receiver") != nullptr)
            break;
        for (const Field& field : header.fields) {
            if (!text::iequals(field.name, name))
                continue;
            for (const ListedAddress& listed : parse_mailboxes(field.value)) {
                MAIL_TRY(auto address, listed_address(listed, name));
                MAIL_DO(out.add(std::move(address)));
            }
        }
    }
    if (out.list.empty())
        return fail(ErrorCode::invalid, "there is no recipient: neither X-Receiver nor To, Cc or Bcc");
    return std::move(out.list);
}

} // namespace

Result<PickedUp> read_message(std::string_view file) {
    if (header_size(file) > static_cast<std::size_t>(limit::header_bytes))
        return fail(ErrorCode::too_large, "the header is too large");
    MAIL_TRY(std::string message, with_crlf(file));
    const HeaderView header = parse_header(message);
    if (header.fields.empty() || header.fields.front().name.empty())
        return fail(ErrorCode::invalid, "this is no message: it does not begin with a header field");
    PickedUp out;
    MAIL_TRY(out.sender, sender_of(header));
    MAIL_TRY(out.recipients, recipients_of(header));
    constexpr std::string_view unwanted[] = {"X-Sender", "X-Receiver", "Bcc"};
    out.message = remove_fields(message, unwanted);
    return out;
}

} // namespace mail::pickup
