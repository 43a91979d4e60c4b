// mbox files (RFC 4155): messages behind "From " lines, with their quoting undone and their flags read from Status, X-Status
// and X-Keywords. MboxReader is pure and takes a file in pieces of any size, so that one of any length is read in bounded
// memory. mbox_message() writes what MboxReader reads back byte for byte.
#pragma once

#include "mailctl/transfer/item.hpp"

#include <deque>
#include <string>
#include <string_view>

namespace mail::mailctl {

/// How "From " at the start of a message's line is kept apart from a separator.
enum class MboxQuoting : std::uint8_t {
    mboxrd, ///< ">" before every line of ">"s and "From ": can be undone exactly
    mboxo,  ///< ">" before "From " alone
};

class MboxReader {
  public:
    /// A message larger than `most` is given back as its beginning, marked.
    MboxReader(MboxQuoting quoting, std::size_t most) : quoting_(quoting), most_(most) {}

    struct Message {
        std::string bytes; ///< lines end in CR LF unless the file kept others
        std::vector<std::string> flags;
        std::optional<Time> date; ///< of the From line
        bool is_too_large = false;
    };
    void put(std::string_view piece);
    void finish();
    /// Messages that are complete, in order.
    [[nodiscard]] std::optional<Message> next();
    /// The file does not begin with a From line: it is no mbox.
    [[nodiscard]] bool is_foreign() const noexcept { return foreign_; }

  private:
    void line(std::string_view text);
    void end_message();
    void keep(std::string_view text);

    MboxQuoting quoting_;
    std::size_t most_;
    std::string held_;        ///< the beginning of a line that is not decided yet
    bool in_line_ = false;    ///< the rest of a long line follows
    bool inside_ = false;     ///< a From line was seen
    bool after_empty_ = true; ///< the line before was empty: a separator may follow
    bool foreign_ = false;
    std::optional<Time> date_;
    std::string current_;
    bool too_large_ = false;
    std::deque<Message> ready_;
};

/// The date of "From sender Mon Feb  5 10:00:00 2024", nullopt when the line is no separator.
[[nodiscard]] std::optional<Time> parse_from_line(std::string_view line);
/// One message as part of an mboxrd file, with its separator and an empty line behind it.
[[nodiscard]] std::string mbox_message(const MailItem& item);

} // namespace mail::mailctl
