#include "maild/smtp/proto/parameters.hpp"

#include "common/base/text.hpp"

#include <limits>

namespace mail::smtp {
namespace {

struct Parameter {
    std::string_view keyword;
    std::optional<std::string_view> value;
};

Reply malformed(std::string_view keyword) {
    return Reply(501, "5.5.4", "Bad or repeated parameter " + std::string(keyword));
}
Reply unknown() { return Reply(555, "5.5.4", "Parameter not recognized"); }

/// RFC 5321 §4.1.2: esmtp-param = esmtp-keyword ["=" esmtp-value]; false at the end or on bad form (`ok` tells which).
bool next_parameter(std::string_view& rest, Parameter& out, bool& ok) {
    while (rest.starts_with(' '))
        rest.remove_prefix(1);
    ok = true;
    if (rest.empty())
        return false;
    const std::size_t end = rest.find(' ');
    const std::string_view word = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end);
    const std::size_t equals = word.find('=');
    out.keyword = word.substr(0, equals);
    out.value.reset();
    if (equals != word.npos)
        out.value = word.substr(equals + 1);
    ok = !out.keyword.empty() && text::is_alnum(out.keyword[0]) && (!out.value || !out.value->empty());
    for (const char c : out.keyword)
        ok = ok && (text::is_alnum(c) || c == '-');
    return ok;
}

bool set_size(MailParameters& parameters, std::string_view value) {
    // RFC 1870 §4: size-value = 1*20DIGIT. A number beyond 64 bits is a size, only one that is too large.
    if (parameters.size || value.empty() || value.size() > 20 || value.find_first_not_of("0123456789") != value.npos)
        return false;
    parameters.size = text::number<std::uint64_t>(value).value_or(std::numeric_limits<std::uint64_t>::max());
    return true;
}

bool set_body(MailParameters& parameters, std::string_view value) {
    if (parameters.body)
        return false;
    if (text::iequals(value, "7BIT"))
        parameters.body = Body::seven_bit;
    else if (text::iequals(value, "8BITMIME"))
        parameters.body = Body::eight_bit;
    else if (text::iequals(value, "BINARYMIME"))
        parameters.body = Body::binary;
    return parameters.body.has_value();
}

bool set_auth(MailParameters& parameters, std::string_view value) {
    if (parameters.auth)
        return false;
    if (value == "<>") {
        parameters.auth = "";
        return true;
    }
    // RFC 4954 §5: an xtext-encoded address; with SMTPUTF8 it may hold UTF-8 as it is (RFC 6531 §3.6).
    auto decoded = text::is_ascii(value) ? decode_xtext(value) : std::optional(std::string(value));
    if (!decoded || decoded->empty() || decoded->size() > 500 || !text::is_utf8(*decoded))
        return false;
    for (const char c : *decoded) {
        if ((c >= 0 && c < ' ') || c == 0x7f)
            return false;
    }
    parameters.auth = std::move(decoded);
    return true;
}

bool set_ret(MailParameters& parameters, std::string_view value) {
    if (parameters.ret)
        return false;
    if (text::iequals(value, "FULL"))
        parameters.ret = DsnReturn::full;
    else if (text::iequals(value, "HDRS"))
        parameters.ret = DsnReturn::headers;
    return parameters.ret.has_value();
}

bool set_envid(MailParameters& parameters, std::string_view value) {
    // RFC 3461 §4.4: xtext of at most 100 characters that decodes to printable ASCII.
    if (parameters.envid || value.size() > 100)
        return false;
    const auto decoded = decode_xtext(value);
    if (!decoded)
        return false;
    for (const char c : *decoded) {
        if (c < ' ' || c > '~')
            return false;
    }
    parameters.envid = std::string(value);
    return true;
}

/// RFC 4865 §4: future-release-integer = 1*9DIGIT. HOLDFOR and HOLDUNTIL exclude each other.
bool set_hold_for(MailParameters& parameters, std::string_view value) {
    if (parameters.hold_seconds || parameters.hold_until || value.size() > 9)
        return false;
    parameters.hold_seconds = text::number<std::uint64_t>(value);
    return parameters.hold_seconds.has_value();
}

bool set_hold_until(MailParameters& parameters, std::string_view value) {
    constexpr std::size_t shortest = 20; // RFC 3339 §5.6 date-time: a date alone is none
    const Time last = std::chrono::sys_days{std::chrono::year{9998} / 1 / 1};
    if (value.size() < shortest || parameters.hold_seconds || parameters.hold_until)
        return false;
    const auto parsed = parse_rfc3339(value);
    if (!parsed)
        return false;
    const Time time = *parsed;
    if (time < Time{} || time > last)
        return false;
    parameters.hold_until = std::chrono::floor<std::chrono::seconds>(time);
    return true;
}

/// RFC 6710 §5: priority-value = (["-"] NZDIGIT) / "0".
bool set_priority(MailParameters& parameters, std::string_view value) {
    const bool negative = value.starts_with('-');
    const std::string_view digit = value.substr(negative ? 1 : 0);
    if (parameters.priority || digit.size() != 1 || !text::is_digit(digit[0]) || (negative && digit[0] == '0'))
        return false;
    parameters.priority = static_cast<std::int8_t>((negative ? -1 : 1) * (digit[0] - '0'));
    return true;
}

bool set_notify(RcptParameters& parameters, std::string_view value) {
    if (parameters.notify != 0)
        return false;
    for (const std::string_view word : text::split(value, ',')) {
        std::uint8_t bit = 0;
        if (text::iequals(word, "NEVER"))
            bit = notify::never;
        else if (text::iequals(word, "SUCCESS"))
            bit = notify::success;
        else if (text::iequals(word, "FAILURE"))
            bit = notify::failure;
        else if (text::iequals(word, "DELAY"))
            bit = notify::delay;
        if (bit == 0)
            return false;
        parameters.notify = static_cast<std::uint8_t>(parameters.notify | bit);
    }
    // RFC 3461 §4.1: NEVER MUST appear by itself.
    return parameters.notify == notify::never || (parameters.notify & notify::never) == 0;
}

bool set_orcpt(RcptParameters& parameters, std::string_view value) {
    // RFC 3461 §4.2: addr-type ";" xtext, at most 500 characters; RFC 6533 §3: UTF-8 in the utf-8 type.
    const std::size_t semicolon = value.find(';');
    if (parameters.orcpt || value.size() > 500 || semicolon == 0 || semicolon == value.npos)
        return false;
    for (const char c : value.substr(0, semicolon)) {
        if (!text::is_alnum(c) && c != '-')
            return false;
    }
    const std::string_view address = value.substr(semicolon + 1);
    const bool ok = text::is_ascii(address) ? decode_xtext(address).has_value() ||
                                                  text::iequals(value.substr(0, semicolon), "utf-8")
                                            : text::is_utf8(address);
    if (!ok || address.empty())
        return false;
    parameters.orcpt = std::string(value);
    return true;
}

template <class T> struct Setter {
    std::string_view keyword;
    bool (*set)(T& parameters, std::string_view value);
};
constexpr Setter<MailParameters> mail_setters[] = {{"SIZE", set_size}, {"BODY", set_body},   {"AUTH", set_auth},
                                                   {"RET", set_ret},   {"ENVID", set_envid},
                                                   {"HOLDFOR", set_hold_for}, {"HOLDUNTIL", set_hold_until},
                                                   {"MT-PRIORITY", set_priority}};
constexpr Setter<RcptParameters> rcpt_setters[] = {{"NOTIFY", set_notify}, {"ORCPT", set_orcpt}};

template <class T, std::size_t count>
std::optional<Reply> apply(T& parameters, const Parameter& parameter, const Setter<T> (&setters)[count]) {
    for (const Setter<T>& setter : setters) {
        if (!text::iequals(parameter.keyword, setter.keyword))
            continue;
        if (!parameter.value || !setter.set(parameters, *parameter.value))
            return malformed(setter.keyword);
        return std::nullopt;
    }
    return unknown();
}

} // namespace

std::variant<MailParameters, Reply> parse_mail_parameters(std::string_view rest) {
    MailParameters parameters;
    Parameter parameter;
    bool ok = true;
    while (next_parameter(rest, parameter, ok)) {
        if (text::iequals(parameter.keyword, "SMTPUTF8")) { // RFC 6531 §3.1: takes no value
            if (parameter.value || parameters.smtputf8)
                return malformed("SMTPUTF8");
            parameters.smtputf8 = true;
        } else if (text::iequals(parameter.keyword, "REQUIRETLS")) { // RFC 8689 §3: takes no value
            if (parameter.value || parameters.require_tls)
                return malformed("REQUIRETLS");
            parameters.require_tls = true;
        } else if (auto refusal = apply(parameters, parameter, mail_setters)) {
            return *std::move(refusal);
        }
    }
    if (!ok)
        return malformed("syntax");
    return parameters;
}

std::variant<RcptParameters, Reply> parse_rcpt_parameters(std::string_view rest) {
    RcptParameters parameters;
    Parameter parameter;
    bool ok = true;
    while (next_parameter(rest, parameter, ok)) {
        if (auto refusal = apply(parameters, parameter, rcpt_setters))
            return *std::move(refusal);
    }
    if (!ok)
        return malformed("syntax");
    return parameters;
}

} // namespace mail::smtp
