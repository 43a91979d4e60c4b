// ENVELOPE, BODY and BODYSTRUCTURE: always one balanced IMAP value, whatever the message says.
#include "common/mail/bodystructure.hpp"
#include "common/base/text.hpp"

#include <cstdint>
#include <cstdlib>

namespace {
/// True when `s` is exactly one parenthesised list of numbers, NIL, quoted strings, literals and lists.
bool is_one_list(std::string_view s) {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const char c = s[i];
        if (c == '(') {
            ++depth;
        } else if (c == ')') {
            if (depth == 0 || (--depth == 0 && i + 1 != s.size()))
                return false;
        } else if (c == '"') {
            for (++i; i < s.size() && s[i] != '"'; ++i) {
                if (static_cast<unsigned char>(s[i]) >= 0x80 || s[i] == '\r' || s[i] == '\n' || s[i] == '\0')
                    return false;
                i += s[i] == '\\' ? 1U : 0U;
            }
            if (i >= s.size())
                return false;
        } else if (c == '{') {
            const std::size_t end = s.find("}\r\n", i);
            if (end == std::string_view::npos)
                return false;
            const auto size = mail::text::number(s.substr(i + 1, end - i - 1));
            if (!size || *size > s.size() - end - 3)
                return false;
            if (s.substr(end + 3, *size).find('\0') != std::string_view::npos)
                return false;
            i = end + 2 + *size;
        } else if (c != ' ' && !mail::text::is_digit(c) && c != 'N' && c != 'I' && c != 'L') {
            return false;
        }
    }
    return depth == 0 && s.size() >= 2 && s.front() == '(';
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mail::Derived derived = mail::derive({reinterpret_cast<const char*>(data), size});
    if (!is_one_list(derived.envelope) || !is_one_list(derived.body) || !is_one_list(derived.bodystructure))
        std::abort();
    for (const auto* text :
         {&derived.subject, &derived.base_subject, &derived.from, &derived.to, &derived.cc,
          &derived.from_display, &derived.to_display, &derived.from_text, &derived.preview})
        if (!mail::text::is_utf8(*text))
            std::abort();
    if (derived.preview.size() > 800 || derived.preview.find('\n') != std::string::npos)
        std::abort();
    return 0;
}
