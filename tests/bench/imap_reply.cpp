#include "tests/bench/imap_reply.hpp"

#include <charconv>
#include <stdexcept>

namespace mail::bench {
namespace {

/// n of a line that ends with {n}, or -1.
long literal_of(std::string_view line) {
    if (!line.ends_with('}'))
        return -1;
    const auto open = line.rfind('{');
    long size = -1;
    if (open == std::string_view::npos)
        return -1;
    const char* const end = line.data() + line.size() - 1;
    const auto [at, error] = std::from_chars(line.data() + open + 1, end, size);
    return error == std::errc() && at == end ? size : -1;
}

} // namespace

bool take_response(std::string_view bytes, std::size_t& length) {
    std::size_t at = 0;
    for (;;) {
        const auto end = bytes.find("\r\n", at);
        if (end == std::string_view::npos)
            return false;
        const long size = literal_of(bytes.substr(at, end - at));
        if (size < 0) {
            length = end;
            return true;
        }
        at = end + 2 + static_cast<std::size_t>(size);
        if (at > bytes.size())
            return false;
    }
}

void ReplyCursor::blanks() {
    while (rest_.starts_with(' '))
        rest_.remove_prefix(1);
}

Value ReplyCursor::value() {
    blanks();
    if (rest_.empty())
        throw std::runtime_error("a value is missing");
    Value out;
    if (rest_.front() != '(') {
        out.text = rest_.front() == '"' ? quoted() : rest_.front() == '{' ? literal() : atom();
        return out;
    }
    out.is_list = true;
    rest_.remove_prefix(1);
    for (blanks(); !rest_.starts_with(')'); blanks())
        out.items.push_back(value());
    rest_.remove_prefix(1);
    return out;
}

unsigned ReplyCursor::number() {
    const Value word = value();
    unsigned out = 0;
    const auto [at, error] = std::from_chars(word.text.data(), word.text.data() + word.text.size(), out);
    if (word.is_list || error != std::errc() || at != word.text.data() + word.text.size())
        throw std::runtime_error("no number: " + word.text);
    return out;
}

bool ReplyCursor::skip(std::string_view word) {
    blanks();
    const bool is_it = rest_.starts_with(word) && (rest_.size() == word.size() || rest_[word.size()] == ' ');
    if (is_it)
        rest_.remove_prefix(word.size());
    return is_it;
}

std::string ReplyCursor::quoted() {
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
        if (rest_[i] == '"') {
            rest_.remove_prefix(i + 1);
            return out;
        }
        if (rest_[i] == '\\')
            ++i;
        if (i < rest_.size())
            out += rest_[i];
    }
    throw std::runtime_error("a quoted string has no end");
}

std::string ReplyCursor::literal() {
    const auto end = rest_.find("\r\n");
    const long size = end == std::string_view::npos ? -1 : literal_of(rest_.substr(0, end));
    if (size < 0 || rest_.size() - end - 2 < static_cast<std::size_t>(size))
        throw std::runtime_error("a literal has no end");
    std::string out(rest_.substr(end + 2, static_cast<std::size_t>(size)));
    rest_.remove_prefix(end + 2 + out.size());
    return out;
}

std::string ReplyCursor::atom() {
    std::size_t end = 0;
    int open = 0;
    for (; end < rest_.size(); ++end) {
        open += rest_[end] == '[' ? 1 : rest_[end] == ']' ? -1 : 0;
        if (open <= 0 && (rest_[end] == ' ' || rest_[end] == ')' || rest_[end] == '('))
            break;
    }
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (out.empty())
        throw std::runtime_error("an atom is missing before " + std::string(rest_.substr(0, 20)));
    return out;
}

} // namespace mail::bench
