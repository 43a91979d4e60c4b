// One FETCH on its way through a session: what was asked, and what came up.
#pragma once

#include "maild/imap/connection.hpp"

namespace mail::imap {

struct Session::FetchJob {
    FetchItems items;
    Positions positions;
    std::vector<std::string> labels;    ///< "BODY[1.MIME]<0>", one per section
    std::vector<NumberRange> made_seen; ///< UIDs whose \Seen this batch has set
    bool with_derived = false;
    bool with_bodies = false;
    bool missing = false;  ///< some message is gone
    bool damaged = false;  ///< some message could not be read
    bool undecodable = false; ///< BINARY of an unknown transfer encoding
    bool part_sent = false;   ///< bytes of the current response have left: it cannot be taken back
};

/// A message being taken apart; filled as far as its sections need.
struct LoadedMessage {
    std::shared_ptr<const std::string> bytes; ///< the whole message
    std::optional<MimeTree> tree;
    std::optional<std::string> header; ///< with its empty line
    std::string scratch;               ///< owns what a section computed
};

/// How a section is named in the response.
[[nodiscard]] std::string section_label(const FetchSection& section);

} // namespace mail::imap
