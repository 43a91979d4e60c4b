#include "common/net/http.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/http_parser.hpp"

#include <algorithm>

namespace mail::net {

std::string_view HttpHeaders::find(std::string_view name) const noexcept {
    for (const auto& [field, value] : fields_)
        if (text::iequals(field, name))
            return value;
    return {};
}

bool HttpHeaders::contains(std::string_view name) const noexcept {
    return std::any_of(fields_.begin(), fields_.end(), [name](const auto& f) { return text::iequals(f.first, name); });
}

void HttpHeaders::set(std::string_view name, std::string_view value) {
    std::erase_if(fields_, [name](const auto& field) { return text::iequals(field.first, name); });
    add(name, value);
}

void HttpHeaders::add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }

std::string_view HttpRequest::parameter(std::string_view name) const noexcept {
    for (const auto& [key, value] : query)
        if (key == name)
            return value;
    return {};
}

bool HttpRequest::has_parameter(std::string_view name) const noexcept {
    return std::any_of(query.begin(), query.end(), [name](const auto& pair) { return pair.first == name; });
}

HttpLimits::HttpLimits()
    : header_bytes(static_cast<std::size_t>(limit::http_header_bytes)),
      header_fields(static_cast<std::size_t>(limit::http_header_fields)),
      header_timeout(std::chrono::seconds(limit::http_header_seconds)), body_timeout(std::chrono::seconds(30)) {}

std::optional<HttpResponse> HttpHandler::reject(const HttpRequest& /*head*/) { return std::nullopt; }

HttpResponse HttpHandler::problem(int status, std::string_view why) const {
    HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", "application/problem+json");
    // `why` is one of our own sentences: letters only, nothing to escape.
    response.body = R"({"type":"about:blank","title":")" + std::string(http_reason(status)) +
                    R"(","status":)" + std::to_string(status) + R"(,"detail":")" + std::string(why) + "\"}\n";
    return response;
}

std::string_view http_reason(int status) noexcept { return reason_phrase(status); }

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const auto byte = text::unhex(text.substr(i + 1, 2));
            if (!byte || byte->size() != 1)
                return std::nullopt;
            c = (*byte)[0];
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return std::nullopt;
        out += c;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (text::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '@')
            out += c;
        else
            out += "%" + text::to_upper(text::hex(std::string_view(&c, 1)));
    }
    // A segment of dots only would be taken for a step in the path.
    if (out == "." || out == "..")
        out.replace(0, 1, "%2E");
    return out;
}

} // namespace mail::net
