// IMAP URLs that name a message or a part of it within the own account (RFC 5092 §6, RFC 4467's are others'): what CATENATE
// takes. Only relative forms: "/Drafts;UIDVALIDITY=7/;UID=20/;SECTION=1.2/;PARTIAL=0.1024", or ";UID=20" in the selected mailbox.
#pragma once

#include "maild/imap/proto/fetch_items.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mail::imap {

struct ImapUrl {
    std::string mailbox; ///< UTF-8; empty: the selected one
    std::optional<std::uint32_t> uid_validity;
    std::uint32_t uid = 0;
    FetchSection section; ///< BODY form; the whole message when none is named
};

/// nullopt for anything else, absolute URLs included.
[[nodiscard]] std::optional<ImapUrl> parse_imap_url(std::string_view text);

} // namespace mail::imap
