#include "common/schema/format.hpp"

#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/mail/address.hpp"

#include <algorithm>

namespace mail::schema {

namespace {

std::string quoted(std::string_view text) {
    return "\"" + text::escape(text, 80) + "\"";
}

Result<Address> canonical_parts(std::string_view text) {
    auto parsed = parse_address(text);
    if (!parsed)
        return fail(ErrorCode::invalid, quoted(text) + " is no mail address: " + parsed.error().message,
                    "write it like ann@example.org");
    if (is_address_literal(parsed->domain))
        return parsed;
    auto domain = domain_key(parsed->domain);
    if (!domain)
        return fail(ErrorCode::invalid, quoted(text) + " is no mail address: " + domain.error().message,
                    "write it like ann@example.org");
    return Address{std::move(parsed->local), std::move(*domain)};
}

Result<std::string> canonical_address(std::string_view text) {
    MAIL_TRY(const auto address, canonical_parts(text));
    return address.text();
}

Result<Address> own_parts(std::string_view text) {
    MAIL_TRY(auto address, canonical_parts(text));
    if (is_address_literal(address.domain))
        return fail(ErrorCode::invalid, quoted(text) + " has a number for a domain",
                    "an address of this server belongs to one of its domains");
    return address;
}

Result<std::string> canonical_own_address(std::string_view text) {
    MAIL_TRY(const auto address, own_parts(text));
    return address.text();
}

Result<std::string> canonical_address_name(std::string_view text) {
    MAIL_TRY(const auto address, own_parts(text));
    return address_key(address);
}

std::string own_address_key(std::string_view text) {
    const auto address = parse_address(text);
    return address ? address_key(*address) : std::string(text);
}

Result<std::string> canonical_domain(std::string_view text) {
    const std::string_view without_root = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
    auto parsed = parse_domain(without_root);
    if (parsed && !is_address_literal(*parsed)) {
        auto key = domain_key(*parsed);
        if (key)
            return key;
    }
    return fail(ErrorCode::invalid, quoted(text) + " is no domain name", "write it like example.org");
}

Result<std::string> canonical_domain_pattern(std::string_view text) {
    if (text == "*")
        return std::string(text);
    if (text.starts_with("*.")) {
        MAIL_TRY(const auto domain, canonical_domain(text.substr(2)));
        return "*." + domain;
    }
    auto domain = canonical_domain(text);
    if (!domain)
        domain.error().hint = "write a domain, *.example.org for all below it, or * for every domain";
    return domain;
}

Result<std::string> canonical_address_pattern(std::string_view text) {
    if (text == "<>")
        return std::string(text);
    const std::string_view domain = text.starts_with('@') ? text.substr(1) : text;
    if (domain.find('@') == std::string_view::npos)
        return canonical_domain_pattern(domain);
    MAIL_TRY(const auto address, canonical_parts(text));
    return address_key(address);
}

Result<std::string> canonical_host(std::string_view text) {
    auto host = canonical_domain(text);
    if (!host)
        return fail(ErrorCode::invalid, quoted(text) + " is no host name", "write it like mx.example.org");
    return host;
}

Result<std::string> canonical_name(std::string_view text) {
    const bool good = !text.empty() && text.size() <= 64 && text::is_alnum(text.front()) &&
                      std::all_of(text.begin(), text.end(), [](char c) {
                          return text::is_alnum(c) || c == '.' || c == '_' || c == '-';
                      });
    if (!good)
        return fail(ErrorCode::invalid, quoted(text) + " is no name",
                    "letters, digits, \".\", \"_\" and \"-\", starting with a letter or digit, at most 64");
    return std::string(text);
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 32 || c == '\x7f'; });
}

Result<std::string> canonical_path(std::string_view text) {
    if (!text.starts_with('/') || has_control(text) || !text::is_utf8(text))
        return fail(ErrorCode::invalid, quoted(text) + " is no absolute path", "start it with \"/\"");
    return std::string(text);
}

Result<std::string> canonical_time_zone(std::string_view text) {
    const bool good =
        text.size() <= 64 && !text.starts_with('/') && text.find("..") == std::string_view::npos &&
        std::all_of(text.begin(), text.end(),
                    [](char c) { return text::is_alnum(c) || c == '/' || c == '_' || c == '-' || c == '+'; });
    if (!good)
        return fail(ErrorCode::invalid, quoted(text) + " is no time zone", "write it like Europe/Berlin");
    return std::string(text);
}

Result<std::string> canonical_line(std::string_view text) {
    if (!text::is_utf8(text))
        return fail(ErrorCode::invalid, "the text is not UTF-8");
    if (has_control(text))
        return fail(ErrorCode::invalid, quoted(text) + " holds a line break or another control character");
    return std::string(text);
}

Result<std::string> canonical_time(std::string_view text) {
    const auto time = parse_rfc3339(text);
    if (!time)
        return fail(ErrorCode::invalid, quoted(text) + " is no time", "write it like 2027-01-31 or 2027-01-31T12:00:00Z");
    return format_rfc3339(*time);
}

} // namespace

const TextFormat address_format{"address", "a mail address such as ann@example.org", canonical_address};
const TextFormat own_address_format{"address", "a mail address such as ann@example.org",
                                    canonical_own_address, own_address_key};
const TextFormat address_name_format{"address", "a mail address such as ann@example.org",
                                     canonical_address_name};
const TextFormat domain_format{"domain", "a domain name such as example.org", canonical_domain};
const TextFormat domain_pattern_format{"domain pattern", "a domain, *.example.org or *",
                                       canonical_domain_pattern};
const TextFormat address_pattern_format{"address pattern", "an address, a domain, *.example.org, * or <>",
                                        canonical_address_pattern};
const TextFormat host_format{"host", "a host name such as mx.example.org", canonical_host};
const TextFormat name_format{"name", "letters, digits, \".\", \"_\" and \"-\"", canonical_name};
const TextFormat path_format{"path", "an absolute path", canonical_path};
const TextFormat timezone_format{"time zone", "an IANA time zone such as Europe/Berlin", canonical_time_zone};
const TextFormat time_format{"time", "a date or a time such as 2027-01-31T12:00:00Z", canonical_time};
const TextFormat line_format{"line", "one line of text", canonical_line};

} // namespace mail::schema
