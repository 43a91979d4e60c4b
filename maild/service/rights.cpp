#include "maild/service/rights.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace mail::service {

namespace {

constexpr std::string_view letters_of_bits = "lrswipkxtea"; // in the order of Right
// RFC 4314 §2.1.1: "c" stands for making and removing folders, "d" for removing messages.
constexpr RightSet old_create = bit(Right::create) | bit(Right::remove_folder);
constexpr RightSet old_delete = bit(Right::remove_item) | bit(Right::expunge);

std::string letters_of(RightSet set) {
    std::string out;
    for (std::size_t i = 0; i < letters_of_bits.size(); ++i)
        if ((set & (1U << i)) != 0)
            out += letters_of_bits[i];
    return out;
}

} // namespace

std::optional<RightSet> parse_rights(std::string_view letters) {
    RightSet set = 0;
    for (const char letter : letters) {
        const auto at = letters_of_bits.find(letter);
        if (at != std::string_view::npos)
            set = static_cast<RightSet>(set | (1U << at));
        else if (letter == 'c')
            set |= old_create;
        else if (letter == 'd')
            set |= old_delete;
        else
            return std::nullopt;
    }
    return set;
}

std::string rights_text(RightSet set) {
    std::string out = letters_of(set);
    if ((set & old_create) != 0)
        out += 'c';
    if ((set & old_delete) != 0)
        out += 'd';
    return out;
}

std::uint8_t fixed_flags(RightSet rights) noexcept {
    unsigned fixed = 0;
    if (!holds(rights, Right::seen))
        fixed |= store::flag::seen;
    if (!holds(rights, Right::remove_item))
        fixed |= store::flag::deleted;
    if (!holds(rights, Right::write))
        fixed |= store::flag::answered | store::flag::flagged | store::flag::draft;
    return static_cast<std::uint8_t>(fixed);
}

AccessList AccessList::parse(std::string_view text) {
    AccessList list;
    for (auto line : text::split(text, '\n')) {
        const bool negative = line.starts_with('-');
        if (negative)
            line.remove_prefix(1);
        const auto blank = line.find(' ');
        if (blank == std::string_view::npos)
            continue;
        const auto account = text::number<store::AccountId>(line.substr(0, blank));
        const auto rights = parse_rights(line.substr(blank + 1));
        if (account && *account >= 0 && rights)
            list.set(*account, negative, *rights);
    }
    return list;
}

std::string AccessList::text() const {
    std::string out;
    for (const auto& entry : entries_)
        out += (entry.negative ? "-" : "") + std::to_string(entry.account) + " " + letters_of(entry.rights) + "\n";
    return out;
}

const AccessList::Entry* AccessList::find(store::AccountId account, bool negative) const noexcept {
    const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.account == account && entry.negative == negative;
    });
    return at == entries_.end() ? nullptr : &*at;
}

RightSet AccessList::entry(store::AccountId account, bool negative) const noexcept {
    const auto* found = find(account, negative);
    return found == nullptr ? RightSet{0} : found->rights;
}

void AccessList::remove(store::AccountId account, bool negative) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.account == account && entry.negative == negative; });
}

void AccessList::set(store::AccountId account, bool negative, RightSet rights) {
    remove(account, negative);
    if (rights != 0)
        entries_.push_back({account, negative, rights});
}

RightSet AccessList::of(store::AccountId who, store::AccountId owner) const noexcept {
    const auto taken = static_cast<RightSet>(entry(who, true) | entry(anyone, true));
    if (who == owner) {
        // An owner that nobody mentions has every right; lists limit owners only where they name them.
        const auto* own = find(owner, false);
        const auto given = own == nullptr ? every_right : own->rights;
        return static_cast<RightSet>((given & ~entry(who, true)) | owner_minimum);
    }
    return static_cast<RightSet>((entry(who, false) | entry(anyone, false)) & ~taken);
}

} // namespace mail::service
