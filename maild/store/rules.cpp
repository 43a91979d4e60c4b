#include "maild/store/rules.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <array>

namespace mail::store {

std::span<const DefaultFolder> default_folders() noexcept {
    static constexpr std::array<DefaultFolder, 6> folders{{{"INBOX", SpecialUse::inbox},
                                                           {"Drafts", SpecialUse::drafts},
                                                           {"Sent", SpecialUse::sent},
                                                           {"Trash", SpecialUse::trash},
                                                           {"Junk", SpecialUse::junk},
                                                           {"Archive", SpecialUse::archive}}};
    return folders;
}

bool contains(const UidSet& set, Uid uid) noexcept {
    const auto after = std::upper_bound(set.begin(), set.end(), uid,
                                        [](Uid value, const UidRange& range) { return value < range.first; });
    return after != set.begin() && std::prev(after)->last >= uid;
}

UidSet ranges_of(std::span<const Uid> uids) {
    UidSet set;
    for (const Uid uid : uids) {
        if (!set.empty() && uid <= set.back().last + 1)
            set.back().last = std::max(set.back().last, uid);
        else
            set.push_back({uid, uid});
    }
    return set;
}

UidSet missing_uids(std::span<const Uid> present, Uid end) {
    UidSet set;
    Uid next = 1;
    for (const Uid uid : present) {
        if (uid > next)
            set.push_back({next, uid - 1});
        next = uid + 1;
    }
    if (next < end)
        set.push_back({next, end - 1});
    return set;
}

bool is_below(std::string_view name, std::string_view parent) noexcept {
    return name.size() > parent.size() + 1 && name.starts_with(parent) && name[parent.size()] == '/';
}

namespace {
struct CaseLess {
    bool operator()(std::string_view a, std::string_view b) const noexcept {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                            [](char x, char y) { return text::lower(x) < text::lower(y); });
    }
};
} // namespace

std::string join_keywords(const std::vector<std::string>& keywords) {
    std::vector<std::string> sorted = keywords;
    std::erase_if(sorted, [](const std::string& word) { return word.empty(); });
    std::stable_sort(sorted.begin(), sorted.end(), CaseLess{});
    const auto same = [](const std::string& a, const std::string& b) { return text::iequals(a, b); };
    sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
    return text::join(sorted, " ");
}

std::vector<std::string> split_keywords(std::string_view keywords) {
    std::vector<std::string> result;
    for (const std::string_view word : text::split(keywords, ' '))
        if (!word.empty())
            result.emplace_back(word);
    return result;
}

FlagState apply_flags(const FlagState& before, const FlagChange& change) {
    FlagState after = before;
    std::vector<std::string> words = split_keywords(before.keywords);
    switch (change.operation) {
    case FlagOperation::add:
        after.flags = static_cast<std::uint8_t>(before.flags | change.flags);
        words.insert(words.end(), change.keywords.begin(), change.keywords.end());
        break;
    case FlagOperation::remove:
        after.flags = static_cast<std::uint8_t>(before.flags & ~change.flags);
        std::erase_if(words, [&](const std::string& word) {
            return std::any_of(change.keywords.begin(), change.keywords.end(),
                               [&](const std::string& gone) { return text::iequals(word, gone); });
        });
        break;
    case FlagOperation::replace: {
        after.flags = change.flags;
        // The form first given stays: words that remain come before the new spelling.
        std::erase_if(words, [&](const std::string& word) {
            return std::none_of(change.keywords.begin(), change.keywords.end(),
                                [&](const std::string& kept) { return text::iequals(word, kept); });
        });
        words.insert(words.end(), change.keywords.begin(), change.keywords.end());
        break;
    }
    }
    after.flags = static_cast<std::uint8_t>((before.flags & change.fixed_flags) | (after.flags & ~change.fixed_flags));
    if (!change.fixed_keywords)
        after.keywords = join_keywords(words);
    return after;
}

std::string missed_copies(const AcceptReceipt& receipt) {
    std::string out;
    for (std::size_t i = 0; i < receipt.local.size(); ++i)
        if (!receipt.local[i])
            out += (out.empty() ? "" : " ") + std::to_string(i);
    return out;
}

} // namespace mail::store
