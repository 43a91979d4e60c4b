// The words of SPECIAL-USE (RFC 6154 §2) for the store's special uses.
#pragma once

#include "common/base/text.hpp"
#include "maild/store/mail_model.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace mail::imap {

inline constexpr std::array<std::pair<store::SpecialUse, std::string_view>, 7> special_use_words = {{
    {store::SpecialUse::drafts, "\\Drafts"},
    {store::SpecialUse::sent, "\\Sent"},
    {store::SpecialUse::trash, "\\Trash"},
    {store::SpecialUse::junk, "\\Junk"},
    {store::SpecialUse::archive, "\\Archive"},
    {store::SpecialUse::all, "\\All"},
    {store::SpecialUse::flagged, "\\Flagged"},
}};

/// Empty for a folder without special use, and for INBOX.
[[nodiscard]] inline std::string_view special_use_attribute(store::SpecialUse use) noexcept {
    for (const auto& [known, word] : special_use_words)
        if (known == use)
            return word;
    return {};
}

/// Folders a client may create: those that hold mail. \All and \Flagged are views, which nobody can create.
[[nodiscard]] inline store::SpecialUse special_use_named(std::string_view word) noexcept {
    for (const auto& [known, name] : special_use_words)
        if (text::iequals(name, word) && known != store::SpecialUse::all && known != store::SpecialUse::flagged)
            return known;
    return store::SpecialUse::none;
}

} // namespace mail::imap
