// The messages of a file or a tree: a maildir (Maildir++ or a directory per folder), mbox files, EML files, or all of them in
// one tree. First the tree is listed, then read message by message, so memory holds names and one message (of an mbox
// file: what one piece of it holds). What is odd is told and left out: symbolic links, FIFOs, names no folder can have.
#pragma once

#include "mailctl/transfer/item.hpp"
#include "mailctl/transfer/mbox.hpp"

#include <memory>

namespace mail::mailctl {

struct WalkOptions {
    std::string format = "auto"; ///< auto, maildir, mbox, mboxo, eml
    std::string folder = "INBOX"; ///< where messages go that stand at the root, and above all others when it is not INBOX
};

/// Errors: not_found, denied, invalid (nothing of that format is there).
[[nodiscard]] Result<std::unique_ptr<MailSource>> open_files(const std::string& path, const WalkOptions& options);

} // namespace mail::mailctl
