#include "maild/pop3/proto/surrogate.hpp"

#include "common/base/text.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"
#include "common/mail/mime.hpp"

#include <algorithm>
#include <array>

namespace mail::pop3 {
namespace {

/// RFC 6858 §2.1: an address in a domain that cannot exist, so that no answer goes astray.
constexpr std::string_view placeholder = "invalid@internationalized-address.invalid";

enum class Shape : std::uint8_t { text, addresses, parameters, structured };

Shape shape_of(std::string_view name) {
    static constexpr std::array addresses = {"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-Sender",
                                             "Resent-Reply-To", "Resent-To", "Resent-Cc", "Resent-Bcc"};
    static constexpr std::array parameters = {"Content-Type", "Content-Disposition"};
    // Encoded-words may not stand in these (RFC 2047 §5), and a part of them would be another statement.
    static constexpr std::array structured = {"Return-Path", "Delivered-To", "Received", "Message-ID", "In-Reply-To", "References",
                                              "Date", "Resent-Date", "Resent-Message-ID", "MIME-Version", "Content-ID",
                                              "Content-Transfer-Encoding", "Original-Recipient", "DKIM-Signature",
                                              "Authentication-Results", "Received-SPF"};
    const auto is_in = [&](const auto& names) {
        return std::any_of(names.begin(), names.end(), [&](std::string_view one) { return text::iequals(one, name); });
    };
    if (is_in(addresses))
        return Shape::addresses;
    if (is_in(parameters))
        return Shape::parameters;
    return is_in(structured) || text::istarts_with(name, "ARC-") ? Shape::structured : Shape::text;
}

/// RFC 6857 §3.1.4, §3.1.5, with RFC 6858's placeholder. Groups are given up for their members.
std::string ascii_addresses(std::string_view value) {
    std::string out;
    for (const ListedAddress& one : parse_mailboxes(value)) {
        const std::string address = one.address();
        out += out.empty() ? "" : ", ";
        out += format_mailbox(decode_header(one.name), text::is_ascii(address) ? std::string_view(address) : placeholder);
    }
    return out;
}

/// A file name is no reason to lose the type of the message: its bytes that are not ASCII become '_'.
std::string ascii_parameters(std::string_view whole) {
    std::string out(whole);
    std::replace_if(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) > 127; }, '_');
    return out;
}

std::string ascii_field(const Field& field) {
    if (!text::is_ascii(field.name) || field.name.empty())
        return {};
    switch (shape_of(field.name)) {
    case Shape::text: return make_field(field.name, encode_header(decode_header(field.value)));
    case Shape::addresses: return make_field(field.name, ascii_addresses(field.value));
    case Shape::parameters: return ascii_parameters(field.whole);
    case Shape::structured: break; // RFC 6858 §2.4: not shown
    }
    return {};
}

/// A message/global (RFC 6532 §3.7) whose own header is shown in ASCII is what any client knows as message/rfc822; by its
/// old name it would be an attachment that cannot be opened (RFC 2046 §5.2.4). Changes the first Content-Type, if it does
/// not hide the type behind comments.
std::optional<std::string> named_rfc822(std::string_view header) {
    constexpr std::string_view global = "message/global", rfc822 = "message/rfc822";
    const HeaderView view = parse_header(header);
    const Field* type = view.find("Content-Type");
    if (type == nullptr)
        return std::nullopt;
    const std::size_t blank = std::min(type->value.find_first_not_of(" \t\r\n"), type->value.size());
    if (!text::istarts_with(type->value.substr(blank), global))
        return std::nullopt;
    std::string out(header);
    out.replace(static_cast<std::size_t>(type->value.data() - header.data()) + blank, global.size(), rfc822);
    return out;
}

/// What stands for the header of `part`; nullopt: itself.
std::optional<std::string> surrogate_of_part(const MimeTree& tree, const Part& part, std::string_view message) {
    const std::string_view header = part.header.of(message);
    std::optional<std::string> named;
    if (part.is_message() && part.subtype == "global" && text::is_utf8(tree.parts[part.first_child].header.of(message)))
        named = named_rfc822(header);
    auto surrogate = ascii_surrogate(named ? *named : header);
    return surrogate ? std::move(surrogate) : std::move(named);
}

} // namespace

std::optional<std::string> ascii_surrogate(std::string_view header) {
    if (text::is_ascii(header) || !text::is_utf8(header))
        return std::nullopt;
    const HeaderView view = parse_header(header);
    std::string out;
    out.reserve(header.size() * 2);
    for (const Field& field : view.fields) {
        if (text::is_ascii(field.whole))
            out += field.whole;
        else
            out += ascii_field(field);
    }
    out += header.substr(view.section.size());
    return out;
}

std::optional<std::string> ascii_surrogate_of_message(std::string_view message) {
    if (text::is_ascii(message))
        return std::nullopt;
    const MimeTree tree = parse_mime(message);
    std::string out;
    std::size_t done = 0; // headers stand in the order of their parts; a part that parse_mime had to add has none
    for (const Part& part : tree.parts) {
        if (part.header.size() == 0 || part.header.begin < done)
            continue;
        const auto surrogate = surrogate_of_part(tree, part, message);
        if (!surrogate)
            continue;
        out += message.substr(done, part.header.begin - done);
        out += *surrogate;
        done = part.header.end;
    }
    if (done == 0)
        return std::nullopt;
    out += message.substr(done);
    return out;
}

} // namespace mail::pop3
