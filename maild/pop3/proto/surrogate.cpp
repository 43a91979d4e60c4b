#include "maild/pop3/proto/surrogate.hpp"

#include "common/base/text.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"

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

} // namespace mail::pop3
