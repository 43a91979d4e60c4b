// The APPEND that a session is receiving (RFC 9051 §6.3.12, RFC 3502): messages that arrived, and the one arriving.
// Nothing is stored before the command's last line; dropping the job abandons everything.
#pragma once

#include "maild/imap/connection.hpp"

namespace mail::imap {

struct Session::AppendJob {
    AppendParser parser;
    std::optional<store::Folder> folder;
    std::vector<service::Mailboxes::NewItem> items;
    std::size_t held = 0;            ///< bytes of finished messages kept in memory
    std::optional<Reply> refused;    ///< how it will end; bytes that still come are skipped

    std::string memory;                   ///< the message arriving, when it is small
    std::unique_ptr<store::Spool> spool;  ///< or where it goes
    bool takes_nul = false;               ///< literal8 (RFC 3516)
};

} // namespace mail::imap
