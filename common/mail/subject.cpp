#include "common/mail/subject.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"

namespace mail {
namespace {

/// RFC 5256 §2.1 (1): tabs and runs of blanks become one blank.
std::string squeeze(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size());
    for (char c : utf8) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    return out;
}

void trim_front(std::string_view& s) noexcept {
    while (s.starts_with(' '))
        s.remove_prefix(1);
}

void trim_back(std::string_view& s) noexcept {
    while (s.ends_with(' '))
        s.remove_suffix(1);
}

/// Length of a subj-blob "[...]" with the blanks after it at the front, or 0.
std::size_t blob_length(std::string_view s) noexcept {
    if (!s.starts_with('['))
        return 0;
    std::size_t end = s.find_first_of("[]", 1);
    if (end == std::string_view::npos || s[end] != ']')
        return 0;
    for (++end; end < s.size() && s[end] == ' ';)
        ++end;
    return end;
}

/// Length of a subj-refwd at the front ("re:", "fw:", "fwd [x] :"), or 0.
std::size_t refwd_length(std::string_view s) noexcept {
    std::size_t at = 0;
    if (text::istarts_with(s, "fwd"))
        at = 3;
    else if (text::istarts_with(s, "re") || text::istarts_with(s, "fw"))
        at = 2;
    else
        return 0;
    while (at < s.size() && s[at] == ' ')
        ++at;
    at += blob_length(s.substr(at));
    return at < s.size() && s[at] == ':' ? at + 1 : 0;
}

/// RFC 5256 §2.1 (2): "(fwd)" and blanks at the end.
void strip_trailers(std::string_view& s, bool& is_reply) noexcept {
    for (;;) {
        trim_back(s);
        if (s.size() < 5 || !text::iequals(s.substr(s.size() - 5), "(fwd)"))
            return;
        s.remove_suffix(5);
        is_reply = true;
    }
}

/// RFC 5256 §2.1 (3) to (5). The run of blobs in front is measured once per leader, so the whole is linear.
void strip_leaders(std::string_view& s, bool& is_reply) noexcept {
    for (;;) {
        trim_front(s);
        std::size_t blobs = 0, last_blob = 0;
        for (std::size_t n = blob_length(s); n != 0; n = blob_length(s.substr(blobs))) {
            last_blob = blobs;
            blobs += n;
        }
        const std::size_t refwd = refwd_length(s.substr(blobs));
        if (refwd != 0) {
            s.remove_prefix(blobs + refwd);
            is_reply = true;
            continue;
        }
        // (4): blobs go too, as long as something is left.
        s.remove_prefix(blobs < s.size() ? blobs : last_blob);
        return;
    }
}

} // namespace

BaseSubject base_subject(std::string_view raw_value) {
    return base_subject_of_text(decode_header(raw_value));
}

BaseSubject base_subject_of_text(std::string_view utf8) {
    BaseSubject out;
    const std::string squeezed = squeeze(utf8);
    std::string_view s = squeezed;
    for (;;) {
        strip_trailers(s, out.is_reply);
        strip_leaders(s, out.is_reply);
        // (6): "[fwd: ... ]" is taken off and the rest looked at again.
        if (!text::istarts_with(s, "[fwd:") || !s.ends_with(']'))
            break;
        s.remove_prefix(5);
        s.remove_suffix(1);
        out.is_reply = true;
    }
    out.text = s;
    return out;
}

} // namespace mail
