#include "common/imap_client/response.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <array>

namespace mail::imap_client {
namespace {

constexpr std::size_t deepest = 32;
constexpr std::size_t most_values = 200000; // of one response: an address list of a hostile ENVELOPE, a SEARCH

constexpr std::array<std::string_view, 5> status_words{"OK", "NO", "BAD", "BYE", "PREAUTH"};
bool is_status(std::string_view word) {
    return std::any_of(status_words.begin(), status_words.end(), [&](std::string_view known) { return text::iequals(known, word); });
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

/// The size of a literal that follows a line, which ends in "{12}".
Result<std::optional<std::size_t>> literal_size(std::string_view line) {
    if (!line.ends_with('}'))
        return std::optional<std::size_t>{};
    const auto open = line.rfind('{');
    if (open == std::string_view::npos)
        return std::optional<std::size_t>{};
    auto digits = line.substr(open + 1, line.size() - open - 2);
    if (digits.ends_with('+'))
        digits.remove_suffix(1);
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), text::is_digit))
        return std::optional<std::size_t>{};
    const auto size = text::number<std::uint64_t>(digits);
    if (!size)
        return fail(ErrorCode::too_large, "the server announces a literal of " + text::escape(digits, 40) + " bytes");
    return std::optional(static_cast<std::size_t>(*size));
}

/// Status responses and continuations end in text for people, where "{12}" means nothing.
bool may_have_literals(std::string_view line) {
    if (line.starts_with('+'))
        return false;
    const auto space = line.find(' ');
    return line.starts_with("* ") && space != std::string_view::npos && !is_status(first_word(line.substr(2)));
}

class Parser {
  public:
    explicit Parser(std::string_view bytes) : rest_(bytes) {}

    Result<std::vector<Value>> values() {
        std::vector<Value> out;
        while (!rest_.empty() && !rest_.starts_with("\r\n") && rest_ != "\n") {
            if (rest_.front() == ' ') {
                rest_.remove_prefix(1);
                continue;
            }
            MAIL_TRY(auto value, one(0));
            out.push_back(std::move(value));
        }
        return out;
    }

  private:
    Result<Value> one(std::size_t depth) {
        if (++count_ > most_values)
            return fail(ErrorCode::too_large, "a response of the server has too many parts");
        if (rest_.empty())
            return fail(ErrorCode::invalid, "a response of the server is cut short");
        if (rest_.front() == '(')
            return list(depth);
        if (rest_.front() == '"')
            return quoted_string();
        if (rest_.front() == '{' || rest_.starts_with("~{"))
            return literal();
        return atom();
    }

    Result<Value> list(std::size_t depth) {
        if (depth >= deepest)
            return fail(ErrorCode::invalid, "a response of the server is nested too deep");
        Value out;
        out.kind = Value::Kind::list;
        rest_.remove_prefix(1);
        for (;;) {
            while (rest_.starts_with(' '))
                rest_.remove_prefix(1);
            if (rest_.starts_with(')')) {
                rest_.remove_prefix(1);
                return out;
            }
            MAIL_TRY(auto value, one(depth + 1));
            out.items.push_back(std::move(value));
        }
    }

    Result<Value> quoted_string() {
        Value out;
        out.kind = Value::Kind::string;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                return out;
            }
            if (rest_[i] == '\r' || rest_[i] == '\n')
                break;
            if (rest_[i] == '\\' && ++i == rest_.size())
                break;
            out.text += rest_[i];
        }
        return fail(ErrorCode::invalid, "a quoted string of the server does not end");
    }

    Result<Value> literal() {
        const auto end = rest_.find('\n');
        auto head = rest_.substr(0, end);
        if (head.ends_with('\r'))
            head.remove_suffix(1);
        MAIL_TRY(const auto size, literal_size(head));
        if (end == std::string_view::npos || !size || rest_.size() - end - 1 < *size)
            return fail(ErrorCode::invalid, "a literal of the server is malformed");
        Value out;
        out.kind = Value::Kind::string;
        out.text = rest_.substr(end + 1, *size);
        rest_.remove_prefix(end + 1 + *size);
        return out;
    }

    /// Also what stands in brackets within: BODY[HEADER.FIELDS (SUBJECT)]<0>.
    Result<Value> atom() {
        std::size_t size = 0, brackets = 0;
        for (; size < rest_.size(); ++size) {
            const char c = rest_[size];
            if (c == '\r' || c == '\n' || (brackets == 0 && (c == ' ' || c == '(' || c == ')' || c == '"' || c == '{')))
                break;
            brackets += c == '[' ? 1 : 0;
            brackets -= c == ']' && brackets > 0 ? 1 : 0;
        }
        if (size == 0)
            return fail(ErrorCode::invalid, "a response of the server is malformed");
        Value out;
        out.text = rest_.substr(0, size);
        out.kind = text::iequals(out.text, "NIL") ? Value::Kind::nil : Value::Kind::atom;
        rest_.remove_prefix(size);
        return out;
    }

    std::string_view rest_;
    std::size_t count_ = 0;
};

/// "[CODE argument] words" of a status response.
void read_status_text(std::string_view text, Response& out) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end != std::string_view::npos) {
            out.code = text.substr(1, end - 1);
            text = text::trim(text.substr(end + 1));
        }
    }
    out.text = text;
}

std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return text;
}

} // namespace

std::optional<std::uint64_t> Value::number() const {
    return kind == Kind::atom ? text::number<std::uint64_t>(text) : std::nullopt;
}

std::optional<std::string_view> Response::code_argument(std::string_view word) const {
    const std::string_view all = code;
    const auto space = all.find(' ');
    if (!text::iequals(all.substr(0, space), word))
        return std::nullopt;
    return space == std::string_view::npos ? std::string_view{} : all.substr(space + 1);
}

const Value* Response::fetched(std::string_view item) const {
    if (name != "FETCH" || values.size() != 1 || !values.front().is_list())
        return nullptr;
    const auto& items = values.front().items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2)
        if (text::iequals(items[i].text, item))
            return &items[i + 1];
    return nullptr;
}

Result<std::optional<std::size_t>> ResponseFramer::find_end(std::string_view data) {
    for (;;) {
        const auto end = data.find('\n', std::max(searched_, line_begin_));
        const auto own_bytes = (end == std::string_view::npos ? data.size() : end) - std::min(literals_, data.size());
        if (own_bytes > limits_.line)
            return fail(ErrorCode::too_large, "the server sends a line that does not end");
        if (end == std::string_view::npos) {
            searched_ = data.size();
            missing_ = line_begin_ > data.size() ? line_begin_ - data.size() : 0;
            return std::optional<std::size_t>{};
        }
        missing_ = 0;
        std::optional<std::size_t> size;
        if (may_have_literals(data.substr(0, data.find('\n')))) {
            MAIL_TRY(size, literal_size(without_line_end(data.substr(line_begin_, end + 1 - line_begin_))));
        }
        if (!size) {
            searched_ = line_begin_ = literals_ = 0;
            return std::optional(end + 1);
        }
        if (*size > limits_.literal || literals_ + *size > limits_.literal)
            return fail(ErrorCode::too_large, "the server sends a literal of " + std::to_string(*size) + " bytes");
        literals_ += *size;
        line_begin_ = searched_ = end + 1 + *size;
        if (line_begin_ > data.size()) {
            missing_ = line_begin_ - data.size();
            return std::optional<std::size_t>{};
        }
    }
}

Result<Response> parse_response(std::string_view bytes) {
    Response out;
    if (bytes.starts_with('+')) {
        out.kind = Response::Kind::continuation;
        out.text = text::trim(bytes.substr(1));
        return out;
    }
    const auto space = bytes.find(' ');
    if (space == std::string_view::npos || space == 0)
        return fail(ErrorCode::invalid, "the server says what is no IMAP: " + text::escape(without_line_end(bytes), 80));
    const auto tag = bytes.substr(0, space);
    auto rest = bytes.substr(space + 1);
    out.kind = tag == "*" ? Response::Kind::untagged : Response::Kind::tagged;
    if (out.kind == Response::Kind::tagged)
        out.tag = tag;
    auto word = rest.substr(0, rest.find_first_of(" \r\n"));
    if (const auto number = text::number<std::uint32_t>(word); number && out.kind == Response::Kind::untagged) {
        out.number = number;
        rest = rest.substr(std::min(rest.size(), word.size() + 1));
        word = rest.substr(0, rest.find_first_of(" \r\n"));
    }
    out.name = text::to_upper(word);
    rest = rest.substr(std::min(rest.size(), word.size()));
    if (is_status(out.name) || out.kind == Response::Kind::tagged) {
        read_status_text(text::trim(without_line_end(rest)), out);
        return out;
    }
    MAIL_TRY(out.values, Parser(rest).values());
    return out;
}

std::optional<std::string> quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '\r' || c == '\n' || c == '\0' || static_cast<unsigned char>(c) >= 0x80)
            return std::nullopt;
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

} // namespace mail::imap_client
