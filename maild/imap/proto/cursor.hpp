// Cursor: reads the lexical elements of RFC 9051 §9 from one frame. Every function either takes the element and returns
// true, or records where and why it could not (the first failure wins) and returns false; peeking ones record nothing.
// Used by the parse_<family>.cpp files only.
#pragma once

#include "common/mail/date.hpp"
#include "maild/imap/proto/command.hpp"
#include "maild/imap/proto/framer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::imap {

class Cursor {
  public:
    explicit Cursor(const Frame& frame, std::size_t position = 0) noexcept;

    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
    [[nodiscard]] char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
    [[nodiscard]] bool failed() const noexcept { return !reason_.empty(); }
    [[nodiscard]] std::size_t fault_offset() const noexcept { return fault_; }
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
    /// Records a failure; always false.
    bool fail(std::string_view reason);

    /// Takes `c` when it is next.
    [[nodiscard]] bool take(char c) noexcept;
    /// Takes `word` (ASCII case ignored) when it is next and no further atom character follows.
    [[nodiscard]] bool take_word(std::string_view word) noexcept;
    /// Takes `prefix` (ASCII case ignored) when it is next, whatever follows.
    [[nodiscard]] bool take_prefix(std::string_view prefix) noexcept;
    /// Is a string (quoted or literal) next?
    [[nodiscard]] bool at_string() const noexcept;

    bool expect(char c);
    bool space();
    bool end();
    bool atom(std::string& out);
    bool string(std::string& out);
    bool astring(std::string& out);
    /// nullopt for NIL.
    bool nstring(std::optional<std::string>& out);
    /// NIL, a string, or a literal8, which may hold NUL (RFC 5464 §5 value).
    bool value(std::optional<std::string>& out);
    bool list_mailbox(std::string& out);
    bool number(std::uint32_t& out);
    bool number64(std::uint64_t& out);
    bool nz_number(std::uint32_t& out);
    bool sequence_set(SequenceSet& out);
    bool flag(FlagList& out);
    bool flag_list(FlagList& out);
    bool date(Time& out);
    bool date_time(DateTime& out);
    /// A literal whose bytes were streamed, or stand in the frame; only sizes are read.
    bool message_literal(AppendPiece& out);
    [[nodiscard]] bool at_streamed_literal() const noexcept;

  private:
    [[nodiscard]] const Literal* literal_here() const noexcept;
    bool quoted(std::string& out);
    bool literal(std::string& out);
    template <class Predicate> [[nodiscard]] std::string_view run(Predicate matches) noexcept;

    std::string_view text_;
    const std::vector<Literal>& literals_;
    std::size_t at_ = 0;
    std::size_t next_literal_ = 0; ///< the first literal not before at_
    std::size_t fault_ = 0;
    std::string_view reason_;
};

// One parser per verb; each starts after the verb and takes everything to the end of the command.
bool parse_authenticate(Cursor& in, Command& out);
bool parse_login(Cursor& in, Command& out);
bool parse_id(Cursor& in, Command& out);
bool parse_enable(Cursor& in, Command& out);
bool parse_compress(Cursor& in, Command& out);
bool parse_language(Cursor& in, Command& out);
bool parse_cancelupdate(Cursor& in, Command& out);
bool parse_select(Cursor& in, Command& out);
bool parse_create(Cursor& in, Command& out);
bool parse_mailbox_only(Cursor& in, Command& out);
bool parse_rename(Cursor& in, Command& out);
bool parse_mailbox_rights(Cursor& in, Command& out);
bool parse_getmetadata(Cursor& in, Command& out);
bool parse_setmetadata(Cursor& in, Command& out);
bool parse_list(Cursor& in, Command& out);
bool parse_lsub(Cursor& in, Command& out);
bool parse_status(Cursor& in, Command& out);
bool parse_append(Cursor& in, Command& out);
bool parse_search(Cursor& in, Command& out);
bool parse_esearch(Cursor& in, Command& out);
bool parse_notify(Cursor& in, Command& out);
bool parse_sort(Cursor& in, Command& out);
bool parse_thread(Cursor& in, Command& out);
bool parse_fetch(Cursor& in, Command& out);
bool parse_store(Cursor& in, Command& out);
bool parse_copy(Cursor& in, Command& out);
bool parse_expunge(Cursor& in, Command& out);

/// "1:100" or "-1:-100" (RFC 9394 §4).
bool parse_partial_range(Cursor& in, PartialRange& range);
/// "/private/comment": name of a metadata entry (RFC 5464 §3.2).
bool parse_entry_name(Cursor& in, std::string& name);
/// " (items)" of STATUS and of LIST RETURN STATUS.
bool parse_status_items(Cursor& in, std::uint16_t& items);
/// "(FLAGS BODY.PEEK[])", after the parenthesis.
bool parse_item_list(Cursor& in, FetchItems& items);
/// "personal" or "subtree (a b)" (RFC 5465 §6).
bool parse_scope(Cursor& in, MailboxScope& scope);
/// "[1.2.MIME]" of FETCH and of URLs.
bool parse_section(Cursor& in, FetchSection& section, bool numbers_only);

} // namespace mail::imap
