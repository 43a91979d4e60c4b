// What happens to the header of an accepted message: old Return-Path fields go (RFC 5321 §4.4), loops and huge headers
// are refused; at submission Bcc goes (RFC 5322 §3.6.3), missing fields are added (RFC 6409 §8), and the authors named
// must be addresses that the user may send with (§6.1); Sender then names the user where the author is another
// (RFC 5322 §3.6.2). The body is never touched.
#pragma once

#include "common/base/time.hpp"
#include "maild/service/directory.hpp"
#include "maild/smtp/proto/reply.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mail::smtp {

struct HeaderRules {
    bool submission = false;
    service::MailboxPtr author; ///< who has signed in; null: From is not checked
    std::function<service::SendRight(const Address&)> right{}; ///< of the author to an address; set with author
    std::string sender;         ///< for a missing From; empty: none is added
    Time now{};
    std::string unique;   ///< left side of a missing Message-ID
    std::string hostname; ///< right side
};

struct HeaderEdit {
    std::optional<Reply> refusal;
    std::string added;                  ///< new fields, before what is kept
    std::size_t skip = 0;               ///< bytes at the front that go
    std::optional<std::string> changed; ///< what is kept, when it is not simply the bytes after `skip`
    bool needs_utf8 = false;
    std::string message_id; ///< without angle brackets; may be empty
    std::string subject;    ///< decoded, shortened; may be empty

    [[nodiscard]] bool is_unchanged() const noexcept { return added.empty() && skip == 0 && !changed; }
    /// The new header section of `header`, which is the one the edit was made for.
    [[nodiscard]] std::string apply(std::string_view header) const;
};

/// `header` is a header section with its empty line (or a whole message without one).
[[nodiscard]] HeaderEdit edit_header(std::string_view header, const HeaderRules& rules);

} // namespace mail::smtp
