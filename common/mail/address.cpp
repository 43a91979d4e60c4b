#include "common/mail/address.hpp"

#include "common/base/text.hpp"

#include <arpa/inet.h>

namespace mail {
namespace {

constexpr std::size_t longest_local = 64;   // RFC 5321 §4.5.3.1.1
constexpr std::size_t longest_domain = 255; // RFC 5321 §4.5.3.1.2

/// RFC 5322 §3.2.3 atext, and any UTF-8 byte (RFC 6531 §3.3).
bool is_atext(char c) noexcept {
    return text::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dot_atom(std::string_view s) noexcept {
    bool after_dot = true;
    for (char c : s) {
        if (c == '.' ? after_dot : !is_atext(c))
            return false;
        after_dot = c == '.';
    }
    return !after_dot;
}

/// C0, DEL and the C1 controls of Unicode: never in an address, they steer terminals and logs.
bool has_control(std::string_view s) noexcept {
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto c = static_cast<unsigned char>(s[i]);
        if (c < 0x20 || c == 0x7F ||
            (c == 0xC2 && i + 1 < s.size() && static_cast<unsigned char>(s[i + 1]) < 0xA0))
            return true;
    }
    return false;
}

Failure bad(const char* message) {
    return fail(ErrorCode::invalid, message, "an address looks like ann@example.org");
}

/// Reads a quoted-string at the front of `text` into `local`; returns its length, 0 when it is not closed.
std::size_t read_quoted_local(std::string_view text, std::string& local) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"')
            return i + 1;
        if (text[i] == '\\' && ++i == text.size())
            return 0;
        if (local.size() > longest_local)
            return 0;
        local += text[i];
    }
    return 0;
}

bool is_label(std::string_view label) noexcept {
    if (label.empty() || label.front() == '-' || label.back() == '-')
        return false;
    bool ascii = true;
    for (char c : label) {
        const bool high = static_cast<unsigned char>(c) >= 0x80;
        if (!high && !text::is_alnum(c) && c != '-')
            return false;
        ascii = ascii && !high;
    }
    return !ascii || label.size() <= 63; // RFC 1035 §2.3.4
}

} // namespace

std::string Address::text() const {
    std::string out;
    out.reserve(local.size() + domain.size() + 3);
    if (is_dot_atom(local)) {
        out += local;
    } else {
        out += '"';
        for (char c : local) {
            if (c == '"' || c == '\\')
                out += '\\';
            out += c;
        }
        out += '"';
    }
    if (!domain.empty()) {
        out += '@';
        out += domain;
    }
    return out;
}

bool is_address_literal(std::string_view domain) noexcept {
    if (domain.size() < 3 || domain.size() > 60 || domain.front() != '[' || domain.back() != ']')
        return false;
    std::string_view inner = domain.substr(1, domain.size() - 2);
    const bool six = text::istarts_with(inner, "IPv6:");
    if (six)
        inner.remove_prefix(5);
    char copy[64] = {};
    inner.copy(copy, sizeof copy - 1);
    unsigned char out[16];
    return inner.find('\0') == std::string_view::npos &&
           ::inet_pton(six ? AF_INET6 : AF_INET, copy, out) == 1;
}

Result<std::string> parse_domain(std::string_view text) {
    if (text.empty() || text.size() > longest_domain)
        return bad("the domain is empty or longer than 255 bytes");
    if (text.front() == '[') {
        if (!is_address_literal(text))
            return bad("the address literal is not [192.0.2.1] or [IPv6:2001:db8::1]");
        return std::string(text);
    }
    for (std::string_view label : text::split(text, '.'))
        if (!is_label(label))
            return bad("the domain has a bad label");
    if (!text::is_ascii(text)) {
        if (!text::is_utf8(text) || has_control(text))
            return bad("the domain is not valid UTF-8");
        MAIL_DO(domain_key(text));
    }
    return std::string(text);
}

Result<Address> parse_address(std::string_view text) {
    // Far longer than any valid address: nothing below looks at more.
    if (text.size() > 2 * longest_local + longest_domain + 3)
        return bad("the address is too long");
    Address address;
    std::size_t at = 0;
    if (!text.empty() && text.front() == '"') {
        at = read_quoted_local(text, address.local);
        if (at == 0)
            return bad("the quoted local part is not closed or too long");
    } else {
        at = std::min(text.find('@'), text.size());
        address.local = text.substr(0, at);
        if (!is_dot_atom(address.local))
            return bad("the local part has a character that needs quotes");
    }
    if (address.local.empty() || address.local.size() > longest_local)
        return bad("the local part is empty or longer than 64 bytes");
    if (!text::is_utf8(address.local) || has_control(address.local))
        return bad("the local part has a control character or is not valid UTF-8");
    if (at >= text.size() || text[at] != '@')
        return bad("the address has no domain");
    MAIL_TRY(address.domain, parse_domain(text.substr(at + 1)));
    return address;
}

bool is_ascii_only(const Address& address) noexcept {
    return text::is_ascii(address.local) && text::is_ascii(address.domain);
}

Address to_ascii_domain(const Address& address) {
    Address out = address;
    if (!text::is_ascii(address.domain))
        if (auto key = domain_key(address.domain))
            out.domain = std::move(key).value();
    return out;
}

Address without_detail(const Address& address) {
    Address out = address;
    const auto plus = address.local.find('+');
    if (plus != std::string::npos && plus != 0)
        out.local.resize(plus);
    return out;
}

std::string_view detail_of(const Address& address) noexcept {
    const auto plus = address.local.find('+');
    if (plus == std::string::npos || plus == 0)
        return {};
    return std::string_view(address.local).substr(plus + 1);
}

} // namespace mail
