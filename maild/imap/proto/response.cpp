#include "maild/imap/proto/response.hpp"

#include "common/base/text.hpp"
#include "common/mail/envelope.hpp"
#include "common/mail/utf7.hpp"
#include "maild/imap/proto/characters.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace mail::imap {

namespace {

// All 32 combinations of the five system flags, ready to copy.
std::array<std::string, 32> make_system_flags() {
    constexpr std::array<std::string_view, 5> names = {"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};
    std::array<std::string, 32> all;
    for (std::size_t bits = 0; bits < all.size(); ++bits)
        for (std::size_t i = 0; i < names.size(); ++i)
            if ((bits & (std::size_t{1} << i)) != 0) {
                if (!all[bits].empty())
                    all[bits] += ' ';
                all[bits] += names[i];
            }
    return all;
}

// RFC 9051 §9 resp-text: TEXT-CHAR without CR and LF; 8-bit bytes only in UTF-8 sessions, so never here.
void append_text(std::string& out, std::string_view text) {
    for (char c : text)
        out += is_control(c) || is_8bit(c) ? '?' : c;
}

} // namespace

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_all(std::string& out, std::initializer_list<std::string_view> pieces) {
    for (auto piece : pieces)
        out += piece;
}

void append_astring(std::string& out, std::string_view value, bool utf8) {
    // NIL as an atom could be taken for the absent value.
    if (!value.empty() && value.size() <= 255 && std::all_of(value.begin(), value.end(), is_astring_char) &&
        !text::iequals(value, "NIL"))
        out += value;
    else
        append_string(out, value, utf8);
}

void append_mailbox(std::string& out, std::string_view name, bool utf8) {
    if (utf8 || text::is_ascii(name)) {
        if (!utf8 && name.find('&') != std::string_view::npos)
            append_astring(out, encode_utf7(name));
        else
            append_astring(out, name, utf8);
        return;
    }
    append_astring(out, encode_utf7(name));
}

void append_flags(std::string& out, std::uint8_t system, std::string_view keywords) {
    static const auto names = make_system_flags();
    out += '(';
    out += names[system & 31];
    if (!keywords.empty()) {
        if ((system & 31) != 0)
            out += ' ';
        out += keywords;
    }
    out += ')';
}

void append_fetch_start(std::string& out, std::uint32_t number, std::uint32_t uid, bool uid_only) {
    out += "* ";
    append_number(out, uid_only ? uid : number);
    out += uid_only ? " UIDFETCH (" : " FETCH (";
}

void append_literal_header(std::string& out, std::uint64_t size, bool literal8) {
    out += literal8 ? "~{" : "{";
    append_number(out, size);
    out += "}\r\n";
}

void append_status(std::string& out, std::string_view tag, std::string_view condition, std::string_view code,
                   std::string_view text) {
    append_all(out, {tag, " ", condition, " "});
    if (!code.empty())
        append_all(out, {"[", code, "] "});
    append_text(out, text.empty() ? std::string_view("done") : text);
    out += "\r\n";
}

void append_failure(std::string& out, std::string_view tag, const Error& error) {
    append_status(out, tag, "NO", face_of(error.code).imap_code, error.message);
}

void append_list(std::string& out, const ListLine& line, bool utf8) {
    append_all(out, {"* ", line.verb, " (", line.attributes, ") \"/\" "});
    append_mailbox(out, line.name, utf8);
    if (line.child_subscribed || !line.old_name.empty()) {
        out += " (";
        if (line.child_subscribed)
            out += "\"CHILDINFO\" (\"SUBSCRIBED\")";
        if (!line.old_name.empty()) {
            out += line.child_subscribed ? " \"OLDNAME\" (" : "\"OLDNAME\" (";
            append_mailbox(out, line.old_name, utf8);
            out += ')';
        }
        out += ')';
    }
    out += "\r\n";
}

void append_esearch(std::string& out, const SearchSummary& summary) {
    out += "* ESEARCH (TAG ";
    append_string(out, summary.tag);
    if (!summary.mailbox.empty())
        append_all(out, {" MAILBOX ", summary.mailbox, " UIDVALIDITY ", std::to_string(summary.uid_validity)});
    out += summary.uid ? ") UID" : ")";
    const auto field = [&](std::string_view name, const auto& value) {
        if (value) {
            append_all(out, {" ", name, " "});
            append_number(out, *value);
        }
    };
    field("MIN", summary.min);
    field("MAX", summary.max);
    if (summary.all != nullptr && !summary.all->empty()) {
        out += " ALL ";
        summary.all->append_to(out);
    }
    if (summary.part != nullptr) { // RFC 9394 §3.1: NIL where nothing lies in the range
        append_all(out, {" PARTIAL (", summary.part_of, summary.part->empty() ? " NIL" : " "});
        summary.part->append_to(out);
        out += ')';
    }
    field("COUNT", summary.count);
    field("MODSEQ", summary.modseq);
    out += "\r\n";
}

} // namespace mail::imap
