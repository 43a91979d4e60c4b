// Maildir and Maildir++: names of message files with their flags, the letters that stand for keywords (Dovecot's
// dovecot-keywords), and the target that writes a tree of them. Reading is in walk.hpp.
#pragma once

#include "mailctl/transfer/item.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace mail::mailctl {

/// What stands in the name of a message file: "1706788800.M7P1.host,S=1234,W=1250:2,FRSab".
struct MaildirName {
    std::vector<std::string> flags; ///< system flags, and $Forwarded for P
    std::string keyword_letters;    ///< a-z
    /// ",W=" equals ",S=": the file's bytes are the message's, its line ends are not to be changed.
    bool is_exact = false;
};
/// A name without an info part has no flags. Unknown letters are left out.
[[nodiscard]] MaildirName parse_maildir_name(std::string_view name);
/// "0 $Label1" lines.
[[nodiscard]] std::map<char, std::string> parse_keyword_letters(std::string_view file);

/// Writes a Maildir++ tree beneath a directory that is empty or does not exist yet. INTERNALDATE becomes the file's time.
[[nodiscard]] Result<std::unique_ptr<MailTarget>> open_maildir_target(const std::string& directory);

} // namespace mail::mailctl
