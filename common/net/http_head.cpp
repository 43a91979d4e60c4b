// The strict check of a request's head, before any parser may make sense of it. Everything that two HTTP programs have
// ever read differently is refused here (RFC 9112 §11.2: request smuggling).
#include "common/base/text.hpp"
#include "common/net/http.hpp"
#include "common/net/http_parser.hpp"

#include <algorithm>

namespace mail::net {
namespace {

using Refusal = std::optional<HttpHeadError>;

bool is_token_char(char c) noexcept { // RFC 9110 §5.6.2
    return text::is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token(std::string_view s) noexcept { return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char); }

std::string_view next_line(std::string_view& rest) noexcept {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    return line;
}

Refusal check_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return HttpHeadError{400, "the request line has no version"};
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!is_token(method))
        return HttpHeadError{400, "the method is no word"};
    if (method.size() > 32 || method == "CONNECT" || method == "TRACE")
        return HttpHeadError{501, "the method is not known here"};
    if (target.size() > 8192)
        return HttpHeadError{414, "the target is too long"};
    for (const char c : target)
        if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) >= 127)
            return HttpHeadError{400, "the target has characters that must be escaped"};
    if (target.empty())
        return HttpHeadError{400, "the target is empty"};
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        const bool other = version.size() == 8 && version.starts_with("HTTP/") && text::is_digit(version[5]) &&
                           version[6] == '.' && text::is_digit(version[7]);
        return HttpHeadError{other ? 505 : 400, "the version is not HTTP/1.1"};
    }
    return std::nullopt;
}

/// What decides where the body ends; each may occur once and in one spelling only.
struct Framing {
    int hosts = 0;
    int lengths = 0;
    int encodings = 0;
};

Refusal check_field(std::string_view line, Framing& framing) {
    const std::size_t colon = line.find(':');
    // RFC 9112 §5.1: no space before the colon; §5.2: no folded lines.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return HttpHeadError{400, "a header field is malformed"};
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = text::trim(line.substr(colon + 1));
    for (const char c : value)
        if ((static_cast<unsigned char>(c) < 32 && c != '\t') || c == 127)
            return HttpHeadError{400, "a header field has control characters"};
    if (text::iequals(name, "Host"))
        ++framing.hosts;
    if (text::iequals(name, "Content-Length")) {
        ++framing.lengths;
        // RFC 9112 §6.3: lists, signs and other bases are invalid; 18 digits cannot overflow.
        if (value.size() > 18 || !text::number<std::uint64_t>(value))
            return HttpHeadError{400, "Content-Length is no number"};
    }
    if (text::iequals(name, "Transfer-Encoding")) {
        ++framing.encodings;
        if (!text::iequals(value, "chunked"))
            return HttpHeadError{501, "only the chunked transfer encoding is known"};
    }
    return std::nullopt;
}

Refusal check_lines(std::string_view head, std::size_t max_fields) {
    if (!head.ends_with("\r\n\r\n") || head.find('\0') != std::string_view::npos)
        return HttpHeadError{400, "the head is malformed"};
    for (std::size_t i = 0; i < head.size(); ++i) {
        const bool stray_lf = head[i] == '\n' && (i == 0 || head[i - 1] != '\r');
        const bool stray_cr = head[i] == '\r' && (i + 1 == head.size() || head[i + 1] != '\n');
        if (stray_lf || stray_cr)
            return HttpHeadError{400, "lines must end in CR LF"};
    }
    std::string_view rest = head.substr(0, head.size() - 2);
    const std::string_view request_line = next_line(rest);
    if (auto refusal = check_request_line(request_line))
        return refusal;
    Framing framing;
    for (std::size_t fields = 0; !rest.empty(); ++fields) {
        if (fields == max_fields)
            return HttpHeadError{431, "there are too many header fields"};
        if (auto refusal = check_field(next_line(rest), framing))
            return refusal;
    }
    const bool old = request_line.ends_with("HTTP/1.0");
    if (framing.lengths > 1 || framing.encodings > 1 || (framing.lengths > 0 && framing.encodings > 0) ||
        (old && framing.encodings > 0))
        return HttpHeadError{400, "the length of the body is told in more than one way"};
    if (framing.hosts > 1 || (framing.hosts == 0 && !old)) // RFC 9112 §3.2
        return HttpHeadError{400, "there must be one Host field"};
    return std::nullopt;
}

/// Absolute form (RFC 9112 §3.2.2) is cut to its path; the authority in it is never used.
std::string_view origin_form(std::string_view target) noexcept {
    for (const std::string_view scheme : {"http://", "https://"})
        if (text::istarts_with(target, scheme)) {
            const std::size_t path = target.find_first_of("/?", scheme.size());
            return path == std::string_view::npos || target[path] == '?' ? "/" : target.substr(path);
        }
    return target;
}

bool take_segments(std::string_view path, std::vector<std::string>& out) {
    path.remove_prefix(1);
    if (path.ends_with('/'))
        path.remove_suffix(1);
    if (path.empty())
        return true;
    for (const auto part : text::split(path, '/')) {
        auto decoded = percent_decode(part);
        if (!decoded || *decoded == "." || *decoded == "..")
            return false;
        for (const char c : *decoded)
            if (static_cast<unsigned char>(c) < 32 || c == 127)
                return false;
        out.push_back(std::move(*decoded));
    }
    return true;
}

bool take_query(std::string_view query, HttpRequest& out) {
    if (query.empty())
        return true;
    const auto parts = text::split(query, '&');
    if (parts.size() > 100)
        return false;
    for (const auto part : parts) {
        const std::size_t equals = std::min(part.find('='), part.size());
        auto name = percent_decode(part.substr(0, equals), true);
        auto value = percent_decode(part.substr(std::min(equals + 1, part.size())), true);
        if (!name || !value)
            return false;
        if (!name->empty())
            out.query.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

} // namespace

std::optional<HttpHeadError> parse_request_head(std::string_view head, std::size_t max_fields, HttpRequest& out) {
    if (auto refusal = check_lines(head, max_fields))
        return refusal;
    std::string_view rest = head.substr(0, head.size() - 2);
    const std::string_view line = next_line(rest);
    const std::size_t space = line.find(' ');
    out.method = line.substr(0, space);
    out.target = line.substr(space + 1, line.rfind(' ') - space - 1);
    while (!rest.empty()) {
        const std::string_view field = next_line(rest);
        const std::size_t colon = field.find(':');
        out.headers.add(field.substr(0, colon), text::trim(field.substr(colon + 1)));
    }
    std::string_view target = origin_form(out.target);
    if (target == "*" && out.method == "OPTIONS")
        target = "/";
    if (!target.starts_with('/') || target.find('#') != std::string_view::npos)
        return HttpHeadError{400, "the target is no path"};
    const std::size_t mark = std::min(target.find('?'), target.size());
    out.path = target.substr(0, mark);
    if (!take_segments(out.path, out.segments))
        return HttpHeadError{400, "the path is malformed"};
    if (!take_query(target.substr(std::min(mark + 1, target.size())), out))
        return HttpHeadError{400, "the query is malformed"};
    return std::nullopt;
}

} // namespace mail::net
