// The APPEND or REPLACE that a session is receiving (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508): messages that arrived,
// and the one arriving. Nothing is stored before the command's last line; dropping the job abandons everything.
#pragma once

#include "maild/imap/connection.hpp"

namespace mail::imap {

struct Session::AppendJob {
    AppendParser parser;
    std::string mailbox; ///< raw
    std::optional<ReplaceArguments> replaces;
    store::Uid replaced = 0; ///< UID of the message that goes
    std::optional<store::Folder> folder;
    std::vector<service::Mailboxes::NewItem> items;
    std::size_t held = 0;         ///< bytes of finished messages kept in memory
    std::optional<Reply> refused; ///< how it will end; bytes that still come are skipped

    AppendPiece message;                 ///< the one arriving: flags and date
    std::uint64_t size = 0;              ///< its bytes so far
    std::uint64_t expected = 0;          ///< how many there will be; 0: unknown
    std::string memory;                  ///< they, while they are few
    std::unique_ptr<store::Spool> spool; ///< or where they go
    bool takes_nul = false;              ///< literal8 (RFC 3516)
    bool is_url = false;                 ///< the literal arriving holds a URL
    std::string url;
};

} // namespace mail::imap
