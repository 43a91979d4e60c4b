#include "common/mail/message.hpp"

#include "common/base/text.hpp"
#include "common/mail/date.hpp"
#include "common/mail/header.hpp"

#include <algorithm>

namespace mail {
namespace {

/// Offset after the line at `at`.
std::size_t next_line(std::string_view message, std::size_t at) noexcept {
    const std::size_t end = message.find('\n', at);
    return end == std::string_view::npos ? message.size() : end + 1;
}

bool names_field(std::string_view line, std::string_view name) noexcept {
    if (!text::istarts_with(line, name))
        return false;
    line.remove_prefix(name.size());
    while (line.starts_with(' ') || line.starts_with('\t'))
        line.remove_prefix(1);
    return line.starts_with(':');
}

} // namespace

std::size_t count_received(std::string_view message) noexcept {
    std::size_t n = 0;
    for (std::size_t at = 0; at < message.size(); at = next_line(message, at)) {
        const std::string_view line = message.substr(at, 64);
        if (line.starts_with("\r\n") || line.starts_with('\n'))
            break;
        n += names_field(line, "Received") ? 1U : 0U;
    }
    return n;
}

std::string_view without_return_path(std::string_view message) noexcept {
    while (names_field(message.substr(0, 64), "Return-Path")) {
        std::size_t end = next_line(message, 0);
        while (end < message.size() && (message[end] == ' ' || message[end] == '\t'))
            end = next_line(message, end);
        message.remove_prefix(end);
    }
    return message;
}

std::string remove_fields(std::string_view message, std::span<const std::string_view> names) {
    const HeaderView header = parse_header(message);
    std::string out;
    out.reserve(message.size());
    for (const Field& field : header.fields) {
        const bool named = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
            return !field.name.empty() && text::iequals(field.name, name);
        });
        if (!named)
            out += field.whole;
    }
    out += message.substr(header.section.size());
    return out;
}

std::string missing_fields(std::string_view message, Time now, std::string_view unique,
                           std::string_view domain) {
    const HeaderView header = parse_header(message);
    std::string out;
    // RFC 6409 §8.2, §8.3: a submission server adds what RFC 5322 §3.6 requires.
    if (header.find("Date") == nullptr)
        out += "Date: " + format_date(now) + "\r\n";
    if (header.find("Message-ID") == nullptr)
        out += "Message-ID: <" + std::string(unique) + '@' + std::string(domain) + ">\r\n";
    return out;
}

bool header_needs_utf8(std::string_view message) noexcept {
    return !text::is_ascii(message.substr(0, header_size(message)));
}

bool body_is_8bit(std::string_view message) noexcept {
    return !text::is_ascii(message.substr(header_size(message)));
}

bool is_clean_crlf(std::string_view message) noexcept {
    for (std::size_t i = 0; i < message.size(); ++i) {
        const char c = message[i];
        if (c == '\0' || c == '\n')
            return false;
        if (c == '\r') {
            if (i + 1 == message.size() || message[i + 1] != '\n')
                return false;
            ++i;
        }
    }
    return message.empty() || message.ends_with('\n');
}

} // namespace mail
