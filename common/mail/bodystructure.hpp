// BODY and BODYSTRUCTURE of RFC 9051 §7.5.2, and Derived: everything the store keeps about a message so that
// FETCH, SORT, THREAD and lists never read its bytes. Called once per message at delivery or lazily; can be
// rebuilt any time. Pure, no failure: any bytes give a valid answer. A 4 KiB plain message costs a few
// microseconds.
#pragma once

#include "common/base/time.hpp"
#include "common/mail/mime.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

/// Non-extensible BODY or, with `extended`, BODYSTRUCTURE. No recursion beyond limit::mime_depth.
void append_body_structure(std::string& out, std::string_view message, const MimeTree& tree, bool extended);

struct Derived {
    std::string envelope;      ///< the parenthesised value of FETCH ENVELOPE
    std::string body;          ///< of FETCH BODY
    std::string bodystructure; ///< of FETCH BODYSTRUCTURE

    std::optional<Time> date_sent;       ///< the Date field in UTC
    std::optional<Time> date_sent_day;   ///< its day in its own zone, for SEARCH SENTON
    std::string base_subject;            ///< RFC 5256 §2.1, casemapped for comparing
    bool is_reply = false;               ///< the subject was of a reply or forward (RFC 5256 §2.1)
    std::string message_id;              ///< with its angle brackets; empty when missing
    std::vector<std::string> references; ///< RFC 5256 §3: References, else the first id of In-Reply-To

    std::string subject;      ///< decoded, UTF-8
    std::string from;         ///< first From mailbox's local part, casemapped: RFC 5256 §3 SORT FROM
    std::string to;           ///< the same of To
    std::string cc;           ///< the same of Cc
    std::string from_display; ///< RFC 5957 display name, else address; decoded, casemapped
    std::string to_display;
    std::string from_text; ///< "Ann Lee <ann@example.org>" decoded, for people

    std::string preview; ///< RFC 8970: at most 200 characters of UTF-8 text, one line; may be empty
    bool has_attachment = false;
};

[[nodiscard]] Derived derive(std::string_view message);
/// The same for a caller that has the tree already.
[[nodiscard]] Derived derive(std::string_view message, const MimeTree& tree);
/// RFC 8970 §3: at most 200 characters of the first text part, markup of HTML left out.
[[nodiscard]] std::string make_preview(std::string_view message, const MimeTree& tree);

} // namespace mail
