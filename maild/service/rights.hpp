// Rights on folders in the words of RFC 4314: which there are, how they are written, and the access list of one folder.
// Lists name accounts by number, so a mailbox that is removed and made anew inherits nothing. Pure; Mailboxes decides with it.
#pragma once

#include "maild/store/mail_model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::service {

/// RFC 4314 §2.1 rights as bits: l r s w i p k x t e a.
enum class Right : std::uint16_t {
    lookup = 1, read = 2, seen = 4, write = 8, insert = 16, post = 32, create = 64, remove_folder = 128, remove_item = 256,
    expunge = 512, administer = 1024,
};
using RightSet = std::uint16_t;
inline constexpr RightSet every_right = 2047;
/// What an owner cannot lose: to see the folder and to give itself the other rights back.
inline constexpr RightSet owner_minimum = 1 | 1024;

[[nodiscard]] constexpr RightSet bit(Right right) noexcept { return static_cast<RightSet>(right); }
[[nodiscard]] constexpr bool holds(RightSet set, Right right) noexcept { return (set & bit(right)) != 0; }

/// "lrswipkxtea", with the "c" and "d" of RFC 2086 (§2.1.1); nullopt for any other letter.
[[nodiscard]] std::optional<RightSet> parse_rights(std::string_view letters);
/// The letters of `set`, then "c" and "d" when some right they stand for is there (RFC 4314 §2.1.1).
[[nodiscard]] std::string rights_text(RightSet set);

/// Flags that somebody with `rights` can neither set nor clear (RFC 4314 §4): bits of store::flag.
[[nodiscard]] std::uint8_t fixed_flags(RightSet rights) noexcept;

class AccessList {
  public:
    /// Of anybody who signed in.
    static constexpr store::AccountId anyone = 0;
    struct Entry {
        store::AccountId account = anyone;
        bool negative = false; ///< these rights are taken away (RFC 4314 §2)
        RightSet rights = 0;
    };

    /// The stored form: one "ACCOUNT LETTERS" a line, "-" before negative ones. Lines that make no sense are passed over.
    [[nodiscard]] static AccessList parse(std::string_view text);
    [[nodiscard]] std::string text() const;

    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
    [[nodiscard]] RightSet entry(store::AccountId account, bool negative) const noexcept;
    /// Without rights the entry goes.
    void set(store::AccountId account, bool negative, RightSet rights);
    void remove(store::AccountId account, bool negative);
    /// What `who` may do: its own entry and that of anyone together, less the negative ones.
    [[nodiscard]] RightSet of(store::AccountId who, store::AccountId owner) const noexcept;

  private:
    [[nodiscard]] const Entry* find(store::AccountId account, bool negative) const noexcept;
    std::vector<Entry> entries_;
};

} // namespace mail::service
