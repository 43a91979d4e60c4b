#include "maild/smtp/proto/reply.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace mail::smtp {
namespace {

void append_text(std::string& out, std::string_view text) {
    for (const char c : text)
        out += (c >= 0 && c < ' ') || c == 0x7f ? '?' : c;
}

/// Takes an enhanced code off the front of a line's text if it fits the reply's class (RFC 2034 §4).
std::string_view take_enhanced(std::string_view& line, int code) {
    const std::size_t blank = line.find(' ');
    const std::string_view word = line.substr(0, blank);
    if (!is_enhanced_code(word) || word[0] - '0' != code / 100)
        return {};
    line = blank == line.npos ? std::string_view{} : line.substr(blank + 1);
    return word;
}

} // namespace

bool is_enhanced_code(std::string_view text) noexcept {
    const std::size_t first = text.find('.');
    const std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
    if (second == text.npos || first != 1 || (text[0] != '2' && text[0] != '4' && text[0] != '5'))
        return false;
    for (const std::string_view part : {text.substr(2, second - 2), text.substr(second + 1)}) {
        if (part.empty() || part.size() > 3 || !text::number<unsigned>(part))
            return false;
    }
    return true;
}

std::string Reply::text() const {
    std::string out = std::to_string(code);
    if (!enhanced.empty())
        out += " " + enhanced;
    for (const std::string& line : lines) {
        if (!line.empty())
            out += " " + line;
    }
    return text::escape(out);
}

void append(std::string& out, const Reply& reply) {
    const std::string code = std::to_string(reply.code);
    const std::size_t count = reply.lines.empty() ? 1 : reply.lines.size();
    for (std::size_t i = 0; i < count; ++i) {
        out += code;
        out += i + 1 == count ? ' ' : '-';
        // RFC 2034 §4: every line of the reply carries the enhanced code.
        if (!reply.enhanced.empty()) {
            out += reply.enhanced;
            out += ' ';
        }
        if (i < reply.lines.size())
            append_text(out, reply.lines[i]);
        out += "\r\n";
    }
}

Reply reply_for(const Error& error) {
    const ErrorFace& face = face_of(error.code);
    if (error.code == ErrorCode::internal)
        return Reply(face.smtp_reply, face.smtp_enhanced, "Internal trouble, try again later");
    return Reply(face.smtp_reply, face.smtp_enhanced, error.message);
}

Result<std::optional<Reply>> ReplyParser::feed(std::string_view line) {
    if (line.size() > std::size_t{limit::reply_line})
        return fail(ErrorCode::too_large, "a line of the remote server's reply is too long");
    if (reply_.lines.size() >= std::size_t{limit::reply_lines})
        return fail(ErrorCode::too_large, "the remote server's reply has too many lines");
    // RFC 5321 §4.2: Reply-code = %x32-35 %x30-35 %x30-39
    const bool has_code = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '5' &&
                          text::is_digit(line[2]);
    const char separator = line.size() > 3 ? line[3] : ' ';
    if (!has_code || (separator != ' ' && separator != '-') || line.find_first_of(std::string_view("\0\r\n", 3)) != line.npos)
        return fail(ErrorCode::invalid, "the remote server's reply is malformed: " + text::escape(line, 100));
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (started_ && code != reply_.code)
        return fail(ErrorCode::invalid, "the remote server's reply changes its code between lines");
    std::string_view rest = line.size() > 4 ? line.substr(4) : std::string_view{};
    if (!started_) {
        reply_ = Reply();
        reply_.code = code;
        started_ = true;
        reply_.enhanced = take_enhanced(rest, code);
    } else if (!reply_.enhanced.empty() && rest.substr(0, rest.find(' ')) == reply_.enhanced) {
        (void)take_enhanced(rest, code);
    }
    reply_.lines.emplace_back(rest);
    if (separator == '-')
        return std::optional<Reply>{};
    started_ = false;
    return std::optional<Reply>(std::move(reply_));
}

} // namespace mail::smtp
